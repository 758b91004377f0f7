//! Which interpreter runs, and which process: repositories and environments do not mix, and every way is told.

use crate::harness::{End, Project, Running, SessionPath, Way, assert_alike, assert_same, interpreter};
use crate::venv::Venv;

const SHOWS_PLACE: &str = "\
import os, sys, time

def test_a():
    print(sys.prefix, sys.executable, os.getcwd(), sys.path[0])
    open(sys.argv[1] + '.ready', 'w').write('1')
    while not os.path.exists('../go') and not os.path.exists('go'):
        time.sleep(0.005)
";

#[test]
fn repositories_and_environments_do_not_mix() {
    let project = Project::new(&[("one/test_a.py", SHOWS_PLACE), ("two/test_a.py", SHOWS_PLACE), ("go", "")]);
    let venvs = [Venv::new(&project, "venv-1"), Venv::new(&project, "venv-2")];
    for _ in 0..2 {
        for venv in &venvs {
            for repository in ["one", "two"] {
                let outcome = assert_same(|way| {
                    let mut command = venv.command(&project, way);
                    command.args(["test_a.py", "-s", "-q"]).current_dir(project.path(repository));
                    command
                });
                let prefix = venv.path.to_str().expect("its path is text");
                assert!(outcome.stdout.starts_with(&format!("{prefix} {prefix}/bin/python")), "{outcome}");
            }
        }
    }
}

#[test]
fn runs_go_on_at_the_same_time() {
    let project = Project::new(&[("one/test_a.py", SHOWS_PLACE), ("two/test_a.py", SHOWS_PLACE)]);
    let venvs = [Venv::new(&project, "venv-1"), Venv::new(&project, "venv-2")];
    let mut running = Vec::new();
    for venv in &venvs {
        for repository in ["one", "two", "two"] {
            let mut command = venv.command(&project, Way::Rpytest);
            let command = command.args(["test_a.py", "-s", "-q"]).current_dir(project.path(repository));
            running.push((repository, Running::start(command)));
        }
    }
    for repository in ["one", "two"] {
        project.wait_for_file(&format!("{repository}/test_a.py.ready"));
    }
    project.write("go", "");
    for (repository, run) in running {
        let outcome = run.finish().ended(End::Code(0));
        assert!(outcome.stdout.contains(&format!("work/{repository} ")), "{outcome}");
        assert_ne!(outcome.path(), Some(SessionPath::Plain), "{outcome}");
    }
}

#[test]
fn the_fallback_can_be_demanded() {
    let project = Project::new(&[("test_a.py", "import os\n\ndef test_a():\n    assert os.getpid() > 0\n")]);
    let outcome = assert_alike(|way| {
        let mut command = project.command(way);
        command.env("RPYTEST_FALLBACK", "1");
        command
    });
    assert_eq!(outcome.notes.last().map(String::as_str), Some("rpytest: plain pytest: RPYTEST_FALLBACK is set"));
    assert!(!project.runtime_dir().join("daemon.sock").exists(), "no daemon is needed");
}

#[test]
fn an_interpreter_without_pytest() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let venv = Venv::empty(&project, "venv");
    let run = || Running::start(&mut venv.command(&project, Way::Rpytest)).finish();
    for _ in 0..2 {
        let outcome = run().ended(End::Code(4));
        let expected = format!("rpytest: no pytest in {} (python on PATH): ", venv.python().display());
        assert!(outcome.stderr.starts_with(&expected) && outcome.stdout.is_empty(), "{outcome}");
    }
    // It may be installed at any moment.
    let host = Venv::new(&project, "host").site_packages("host.pth");
    std::fs::copy(host, venv.site_packages("host.pth")).expect("the environment is ours");
    assert_same(|way| venv.command(&project, way)).ended(End::Code(0));
}

#[test]
fn no_interpreter_at_all() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let outcome = Running::start(project.command(Way::Rpytest).env("PATH", "/no/such")).finish().ended(End::Code(4));
    assert!(outcome.stderr.starts_with("rpytest: no Python interpreter found: looked for `python`"), "{outcome}");
    assert!(outcome.stderr.contains("/no/such"), "{outcome}");
}

#[test]
fn an_interpreter_that_cannot_be_warmed_runs_plainly() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    project.write("python", &format!("#!/bin/sh\nexec {} \"$@\"\n", interpreter().display()));
    let path = project.path("python");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let plain = project.run_plain(&["-q"]);
    let python = path.to_str().expect("its path is text");
    project.run(&["-q", "--python", python]).went(SessionPath::Plain).assert_like(&plain, "plain pytest");
}

#[test]
fn start_up_code_that_speaks_is_heard_in_every_run() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let venv = Venv::new(&project, "venv");
    venv.write("loud.pth", "import sys; sys.stderr.write('started\\n')\n");
    let outcome = assert_alike(|way| venv.command(&project, way)).went(SessionPath::Plain);
    assert!(outcome.stderr.contains("started"), "{outcome}");
}

/// What an environment's own start-up code keeps from us does not make pytest of what should wait for runs.
#[test]
fn an_interpreter_that_does_not_look_for_our_package_runs_no_tests_by_itself() {
    let project = Project::new(&[
        ("tests/test_a.py", "def test_a(): pass\n"),
        ("test_b.py", "def test_b(): open('was_run', 'w').close()\n"),
    ]);
    for options in [None, Some("-q")] {
        let venv = Venv::new(&project, "venv");
        venv.write("own.pth", "import sys, types; sys.modules['sitecustomize'] = types.ModuleType('sitecustomize')\n");
        assert_alike(|way| {
            let mut command = venv.command(&project, way);
            command.arg("tests").envs(options.map(|options| ("PYTEST_ADDOPTS", options)));
            command
        })
        .went(SessionPath::Plain);
        assert!(!project.path("was_run").exists(), "nobody has asked for it");
    }
}

#[test]
fn start_up_code_that_sets_options_of_pytest() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    for (number, options) in [None, Some("-v")].into_iter().enumerate() {
        for (file, code) in [
            (
                "sitecustomize.py",
                "import os\nos.environ['PYTEST_ADDOPTS'] = os.environ.get('PYTEST_ADDOPTS', '') + ' -rA'\n",
            ),
            ("own.pth", "import os; os.environ['PYTEST_ADDOPTS'] = '-rA'\n"),
        ] {
            let venv = Venv::new(&project, &format!("venv-{number}-{file}"));
            venv.write(file, code);
            for _ in 0..2 {
                let outcome = assert_alike(|way| {
                    let mut command = venv.command(&project, way);
                    command.envs(options.map(|options| ("PYTEST_ADDOPTS", options)));
                    command
                });
                assert!(outcome.stdout.contains("PASSED"), "{outcome}");
            }
        }
    }
}

#[test]
fn start_up_code_that_is_not_the_same_in_each_process_runs_in_each() {
    let test = "import os, sys\n\ndef test_a():\n    print(sys.own == os.getpid() if isinstance(sys.own, int) else type(sys.own))\n";
    let project = Project::new(&[("test_a.py", test)]);
    let run = |venv: &Venv| {
        assert_alike(|way| {
            let mut command = venv.command(&project, way);
            command.args(["-s", "-q"]);
            command
        })
    };
    let looks = [
        "sys.own = os.getpid()",
        "import datetime; sys.own = datetime.datetime.now()",
        "import signal; sys.own = signal.signal(signal.SIGUSR1, print)",
        "sys.own = open(os.devnull)",
        "sys.own = sys.addaudithook(lambda *_: None)",
        "sys.own = os.path.exists('data')",
    ];
    for (number, look) in looks.into_iter().enumerate() {
        let (code, venv) = (format!("import os, sys\n{look}\n"), Venv::new(&project, &format!("venv-{number}")));
        venv.write("sitecustomize.py", &code);
        run(&venv).went(SessionPath::Plain);
        if look.contains("exists") {
            continue;
        }
        // As a module that a path file imports, before anybody could watch it.
        std::fs::rename(venv.site_packages("sitecustomize.py"), venv.site_packages("own_start.py"))
            .expect("it is there");
        venv.write("own.pth", "import own_start\n");
        run(&venv).went(SessionPath::Plain);
    }
}

#[test]
fn the_way_of_a_run_is_told_to_who_asks() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    project.run(&["-q"]).went(SessionPath::First);
    project.run(&["-q"]).went(SessionPath::Warm);
    for quiet in [None, Some("")] {
        let mut command = project.command(Way::Rpytest);
        command.env_remove("RPYTEST_LOG").envs(quiet.map(|value| ("RPYTEST_LOG", value)));
        let outcome = Running::start(&mut command).finish();
        assert_eq!((outcome.stderr.as_str(), outcome.notes.len()), ("", 0), "{outcome}");
    }
}

#[test]
fn no_place_to_meet_makes_the_run_a_plain_one() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n"), ("file", "")]);
    let outcome = assert_alike(|way| {
        let mut command = project.command(way);
        command.env("RPYTEST_RUNTIME_DIR", project.path("file"));
        command
    });
    outcome.went(SessionPath::Plain).ended(End::Code(0));
}
