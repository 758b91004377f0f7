//! `[tool.rpytest]`, `RPYTEST_SHELF`, and what `--explain` says of them.

use crate::harness::{End, Outcome, Project, Running, Way, wait_for};

fn explained(project: &Project) -> Outcome {
    project.run(&["--explain", "-q", "-s"])
}

/// What it says of a run, once it says this.
#[track_caller]
fn wait_for_note(project: &Project, said: &str) {
    wait_for(said, || explained(project).stderr.contains(said).then_some(()));
}

#[test]
fn what_is_preloaded_is_there_and_never_stale() {
    let project = Project::new(&[
        ("pyproject.toml", "[tool.rpytest]\npreload = ['slow:begin']\n"),
        ("slow.py", "import os\nDONE = ['one', os.environ.get('WAY')]\n\ndef begin():\n    DONE.append('begun')\n"),
        ("test_a.py", "import sys\n\ndef test_a():\n    import slow\n    print(slow.DONE)\n"),
    ]);
    let shows = |outcome: &Outcome, text: &str| outcome.stdout.contains(text).then_some(());
    wait_for("a run that finds it done", || shows(&explained(&project), "['one', None, 'begun']"));
    let mut other = project.command(Way::Rpytest);
    let other = Running::start(other.env("WAY", "2").args(["-q", "-s"])).finish();
    assert_eq!(shows(&other, "['one', '2']"), Some(()), "{other}");
    project.write("slow.py", "DONE = ['two']\n\ndef begin():\n    DONE.append('begun')\n");
    assert_eq!(shows(&project.run(&["-q", "-s"]), "['two'"), Some(()));
    wait_for("a run that finds it done again", || shows(&explained(&project), "['two', 'begun']"));
    project.write("slow.py", "raise ValueError('not today')\n");
    project.run(&["-q"]).ended(End::Code(1));
    wait_for_note(&project, "preload: ValueError: not today");
    project.write("pyproject.toml", "[tool.rpytest]\npreload = []\n");
    project.write("slow.py", "DONE = ['three']\n");
    assert_eq!(shows(&project.run(&["-q", "-s"]), "['three']"), Some(()));
}

#[test]
fn where_the_time_went() {
    let project = Project::new(&[(
        "test_a.py",
        "import time\ntime.sleep(0.2)\n\ndef test_a():\n    time.sleep(0.4)\n\ndef test_b():\n    assert False\n",
    )]);
    let said = explained(&project).ended(End::Code(1)).stderr;
    let times = said.lines().find(|line| line.contains("of these ")).unwrap_or_else(|| panic!("no times in {said}"));
    let times: Vec<f64> = times.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(times.len() == 3 && times[0] >= 200.0 && times[1] >= 400.0, "{said}");
    let left =
        std::fs::read_dir(project.runtime_dir()).expect("it is there").map(|entry| entry.expect("it is readable"));
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().starts_with("told-")).count(), 0);
}

#[test]
fn how_far_runs_are_done_ahead() {
    let project = Project::new(&[("test_a.py", "import time\nNOW = time.time()\n\ndef test_a():\n    pass\n")]);
    wait_for_note(&project, "test_a.py:2 calls time.time");
    project.write("pyproject.toml", "[tool.rpytest]\nshelf = 'third-party'\n");
    wait_for_note(&project, "it began before the conftest files");
    wait_for_note(&project, "`shelf` says so");
    let mut off = project.command(Way::Rpytest);
    let off = Running::start(off.env("RPYTEST_SHELF", "off").args(["--explain", "-q"])).finish();
    assert!(off.stderr.contains("it began where pytest looks at its arguments"), "{off}");
}

#[test]
fn mistakes_in_settings_are_told() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    let mut wrong = project.command(Way::Rpytest);
    let wrong = Running::start(wrong.env("RPYTEST_SHELF", "some")).finish().ended(End::Code(4));
    assert!(wrong.stderr.contains("RPYTEST_SHELF is some; expected"), "{wrong}");
    project.write("pyproject.toml", "[tool.rpytest]\nshelf = 'some'\n");
    let wrong = project.run(&[]).ended(End::Code(4));
    assert!(wrong.stderr.contains("pyproject.toml: [tool.rpytest] shelf: \"some\""), "{wrong}");
}
