//! What a process has from its parent besides arguments and environment.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{End, Outcome, Project, Running, SessionPath, Way, assert_alike, assert_same, wait_for};

const SHOWS_FACTS: &str = "\
import os, resource, signal, stat

def kind(descriptor):
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return None  # of the directory that was listed
    return (descriptor, stat.S_IFMT(mode), os.get_inheritable(descriptor))

def test_a():
    print(oct(os.umask(0)), os.getpriority(os.PRIO_PROCESS, 0), sorted(os.sched_getaffinity(0)))
    print([(name, resource.getrlimit(getattr(resource, name))) for name in dir(resource) if name.startswith('RLIMIT_')])
    print(os.sched_getscheduler(0), os.sched_getparam(0))
    for name, _, value in (line.partition(':') for line in open('/proc/self/status')):
        if name in ('SigPnd', 'SigBlk', 'SigIgn', 'SigCgt'):
            # The C library keeps 32 and 33 to itself, and ignores them in what it spawns.
            print(name, [number for number in range(1, 65) if int(value, 16) >> number - 1 & 1 and number not in (32, 33)])
        if name in ('Groups', 'NoNewPrivs', 'Seccomp', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            print(name, value.strip())
    print([(number, signal.getsignal(number)) for number in sorted(signal.valid_signals())])
    print([kind(int(name)) for name in sorted(os.listdir('/proc/self/fd'), key=int)])
    print(os.getcwd(), os.environ.get('PWD'), os.getuid(), os.times().children_user)
";

fn project() -> Project {
    Project::new(&[("test_a.py", SHOWS_FACTS), ("data", "some\n")])
}

/// The test shows the same facts behind this line of shell.
#[track_caller]
fn assert_same_facts(project: &Project, script: &str) -> Outcome {
    assert_same(|way| behind(project, way, script)).ended(End::Code(0))
}

fn behind(project: &Project, way: Way, script: &str) -> Command {
    project.shell(way, &script.replace("\"$@\"", "env -u _ \"$@\" -s -q"))
}

#[test]
fn nothing_special() {
    assert_same_facts(&project(), "exec \"$@\"");
}

#[test]
fn the_mask_for_new_files() {
    let outcome = assert_same_facts(&project(), "umask 027; exec \"$@\"");
    assert!(outcome.stdout.contains("0o27 "), "{outcome}");
}

#[test]
fn limits() {
    let project = project();
    project.run(&["--version"]);
    for limit in ["-n 200", "-S -n 100", "-s 4096", "-u 5000", "-c 0", "-t 1000", "-S -f 100000", "-l 64"] {
        assert_same_facts(&project, &format!("ulimit {limit}; exec \"$@\""));
    }
}

#[test]
fn limits_that_only_the_daemon_was_started_with() {
    let project = project();
    // Numbers of descriptors above the limit, and limits that only a privileged user could raise again, make a run a plain
    // one: it is the same all the same.
    for script in ["ulimit -n 200; exec \"$@\"", "exec \"$@\"", "exec \"$@\" 250>&1"] {
        assert_alike(|way| behind(&project, way, script)).ended(End::Code(0));
    }
}

#[test]
fn scheduling() {
    let project = project();
    project.run(&["--version"]);
    assert_same_facts(&project, "exec nice -n 5 \"$@\"");
    let first_processor = "$(grep Cpus_allowed_list /proc/self/status | grep -o '[0-9]*' | head -n 1)";
    assert_same_facts(&project, &format!("exec taskset -c {first_processor} \"$@\""));
    assert_same_facts(&project, "exec chrt --batch 0 \"$@\"");
}

#[test]
fn another_personality() {
    // Addresses that are not random can only be had by a process that is started so, and the daemon was not.
    let project = project();
    project.run(&["--version"]);
    let shows =
        "import pathlib\n\ndef test_a():\n    print(pathlib.Path('/proc/self/personality').read_text(), id(0))\n";
    project.write("test_a.py", shows);
    let outcome = assert_alike(|way| behind(&project, way, "exec setarch -R \"$@\"")).went(SessionPath::Plain);
    assert!(outcome.notes.iter().all(|note| note.contains("the daemon runs in other namespaces")), "{outcome}");
    assert_alike(|way| {
        let mut command = project.command(way);
        command.args(["-q", "-k", "none"]);
        command
    })
    .went(SessionPath::Warm);
}

#[test]
fn ignored_signals() {
    let project = project();
    for signals in ["INT", "HUP TERM", "QUIT USR1 CHLD WINCH", "TSTP TTIN TTOU CONT"] {
        assert_same_facts(&project, &format!("trap '' {signals}; exec \"$@\""));
    }
}

#[test]
fn blocked_signals() {
    let project = Project::new(&[("test_a.py", SHOWS_FACTS)]);
    let script = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [10, 15, 40]); os.execv(sys.argv[1], sys.argv[1:])";
    assert_same(|way| {
        let mut command = project.clean("python");
        command.args(["-c", script]).args(Project::program(way)).args(["-s", "-q"]);
        command
    });
}

#[test]
fn inherited_descriptors() {
    let project = project();
    for redirection in ["3>log", "3>log 7<data", "9<&0", "5>&1 6>&2", "20</"] {
        assert_same_facts(&project, &format!("exec \"$@\" {redirection}"));
    }
}

#[test]
fn inherited_descriptors_can_be_used() {
    let test = "import os\n\ndef test_a():\n    os.write(3, os.read(7, 100))\n";
    let project = Project::new(&[("test_a.py", test), ("data", "some\n")]);
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        Running::start(&mut project.shell(way, "exec \"$@\" 3>>log 7<data")).finish().ended(End::Code(0));
    }
    assert_eq!(std::fs::read_to_string(project.path("log")).expect("it is there"), "some\n".repeat(3));
}

#[test]
fn nobody_keeps_an_inherited_descriptor() {
    // `cat` ends when the last writer is gone: neither daemon nor warm process may hold on to the pipe.
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let outcome = assert_same(|way| project.shell(way, "{ \"$@\" -q 9>&1 >log; } | cat; cat log"));
    assert!(outcome.stdout.contains("1 passed"), "{outcome}");
}

#[test]
fn more_descriptors_than_can_be_passed() {
    let project = Project::new(&[("test_a.py", SHOWS_FACTS)]);
    let script = "ulimit -n 1024; for n in {10..300}; do eval \"exec $n</dev/null\"; done; exec \"$@\" -s -q";
    assert_alike(|way| project.shell(way, &script.replace("\"$@\"", "env -u _ \"$@\""))).went(SessionPath::Plain);
}

#[test]
fn a_directory_that_is_deleted() {
    let project = Project::new(&[]);
    for arguments in ["--version", "-q --rootdir=/ -p no:cacheprovider /dev/null"] {
        let script = format!("mkdir gone; cd gone; rmdir ../gone; exec \"$@\" {arguments}");
        assert_alike(|way| project.shell(way, &script));
    }
}

#[test]
fn a_directory_that_is_made_anew() {
    let project = Project::new(&[]);
    for text in ["assert 1", "assert 0"] {
        project.write("again/test_a.py", &format!("def test_a(): {text}\n"));
        assert_same(|way| project.shell(way, "cd again; exec \"$@\" -p no:cacheprovider"));
        std::fs::remove_dir_all(project.path("again")).expect("it is there");
    }
}

#[test]
fn a_directory_that_cannot_be_written() {
    let project = Project::new(&[("closed/test_a.py", "def test_a(): pass\n")]);
    assert_same(|way| project.shell(way, "chmod 555 closed; cd closed; exec \"$@\""));
}

#[test]
fn a_directory_behind_a_link() {
    let project = Project::new(&[("real/test_a.py", SHOWS_FACTS), ("real/conftest.py", "")]);
    std::os::unix::fs::symlink("real", project.path("link")).expect("it can be made");
    for script in
        ["cd link; exec \"$@\"", "cd real; exec \"$@\"", "exec \"$@\" link", "cd link; exec \"$@\" ../link/test_a.py"]
    {
        assert_same(|way| project.shell(way, &script.replace("\"$@\"", "env -u _ \"$@\" -s -q")));
    }
}

#[test]
fn files_belong_to_the_run_and_not_to_the_daemon() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    open('made', 'w').close()\n")]);
    project.run(&["-q"]);
    let mode = || std::fs::metadata(project.path("made")).ok().map(|data| data.permissions().mode() & 0o777);
    for (mask, expected) in [("000", 0o666), ("077", 0o600), ("022", 0o644)] {
        std::fs::remove_file(project.path("made")).expect("the last run has made it");
        let mut command = project.shell(Way::Rpytest, &format!("umask {mask}; exec \"$@\" -q"));
        Running::start(&mut command).finish().went(SessionPath::Warm);
        assert_eq!(wait_for("the file", mode), expected);
    }
}
