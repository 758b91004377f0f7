//! Which suites are run with which Python and in which environment, decided before the first of them runs.

use std::path::{Path, PathBuf};

use super::matrix::{Matrix, Packages};
use super::suite::{Source, Suite};
use crate::python::Python;

/// A suite and where it is run, or why it is not.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) suite: Suite,
    pub(crate) place: Result<Place, String>,
}

/// Where a suite is run. Both have an interpreter to make the environment with.
#[derive(Debug)]
pub(crate) enum Place {
    /// A project of this version, in an environment of its own.
    Own { version: String, python: PathBuf },
    /// The tests of a canary, in an environment that all canaries share.
    Shared { tests: PathBuf, name: String, requirements: PathBuf, python: PathBuf },
}

/// Decides for each of `suites`: with `python` alone, or with all Pythons that `matrix` and the suites name.
pub(crate) fn plan(suites: Vec<Suite>, python: &Python, matrix: &Matrix, full: bool) -> Vec<Job> {
    let mut jobs = Vec::new();
    for suite in suites {
        let places = match &suite.source {
            Source::Sdist(version) => own(version, &suite.data.pythons, python, full),
            Source::Canary(tests) => shared(tests, matrix, python, full),
        };
        jobs.extend(places.into_iter().map(|place| Job { suite: suite.clone(), place }));
    }
    jobs
}

fn own(version: &str, pythons: &[String], chosen: &Python, full: bool) -> Vec<Result<Place, String>> {
    let place = |python| Place::Own { version: version.to_owned(), python };
    let only = [chosen.version()];
    let wanted = if full && !pythons.is_empty() { pythons } else { &only };
    let fits = |wanted: &String| pythons.is_empty() || pythons.contains(wanted);
    let decide = |wanted| if fits(wanted) { interpreter(wanted, chosen).map(place) } else { Err(not_for(wanted)) };
    wanted.iter().map(decide).collect()
}

fn shared(tests: &Path, matrix: &Matrix, chosen: &Python, full: bool) -> Vec<Result<Place, String>> {
    let place = |packages: &Packages, version: &str| {
        Ok(Place::Shared {
            tests: tests.to_path_buf(),
            name: format!("{} Python {version}", packages.name()),
            requirements: packages.requirements.clone(),
            python: interpreter(version, chosen)?,
        })
    };
    if full {
        let all = matrix.environment.iter();
        let all = all.flat_map(|packages| packages.pythons.iter().map(move |version| (packages, version)));
        return all.map(|(packages, version)| place(packages, version)).collect();
    }
    let version = chosen.version();
    vec![matrix.first(&version).map_or_else(|| Err(not_for(&version)), |packages| place(packages, &version))]
}

/// The Python of that version: the one that was chosen, if it is of it.
fn interpreter(version: &str, chosen: &Python) -> Result<PathBuf, String> {
    if chosen.version() == version {
        return Ok(chosen.executable().to_path_buf());
    }
    let found = Python::of_version(version).map(|python| python.executable().to_path_buf());
    found.ok_or_else(|| format!("there is no Python {version}"))
}

fn not_for(version: &str) -> String {
    format!("it is not for Python {version}")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Place, plan};
    use crate::python::Python;
    use crate::suites::matrix::{Matrix, Packages};
    use crate::suites::suite::{Source, Suite};

    fn suite(source: Source, pythons: &[&str]) -> Suite {
        Suite::of_test(source, pythons)
    }

    fn matrix() -> Matrix {
        let packages = |name: &str, pythons: &[&str]| Packages {
            requirements: PathBuf::from(name),
            pythons: pythons.iter().map(ToString::to_string).collect(),
        };
        Matrix { environment: vec![packages("new.txt", &["3.98", "3.99"]), packages("old.txt", &["3.97", "3.99"])] }
    }

    fn told(suite: Suite, version: (u32, u32), full: bool) -> Vec<String> {
        let python = Python::of_test("/python", version);
        let jobs = plan(vec![suite], &python, &matrix(), full);
        let place = |place: &Result<Place, String>| match place {
            Ok(Place::Own { python, .. }) => python.display().to_string(),
            Ok(Place::Shared { name, python, .. }) => format!("{name}: {}", python.display()),
            Err(why) => why.clone(),
        };
        jobs.iter().map(|job| place(&job.place)).collect()
    }

    #[test]
    fn a_project_is_run_with_the_one_python_or_with_all_its_own() {
        let project = |pythons| suite(Source::Sdist("1".into()), pythons);
        assert_eq!(told(project(&[]), (3, 99), true), ["/python"]);
        assert_eq!(told(project(&["3.98"]), (3, 99), false), ["it is not for Python 3.99"]);
        assert_eq!(told(project(&["3.98", "3.99"]), (3, 99), false), ["/python"]);
        assert_eq!(told(project(&["3.98", "3.99"]), (3, 99), true), ["there is no Python 3.98", "/python"]);
    }

    #[test]
    fn a_canary_is_run_in_the_preferred_environment_or_in_all() {
        let canary = || suite(Source::Canary("/canary".into()), &[]);
        assert_eq!(told(canary(), (3, 97), false), ["old Python 3.97: /python"]);
        assert_eq!(told(canary(), (3, 96), false), ["it is not for Python 3.96"]);
        let all = [
            "there is no Python 3.98",
            "new Python 3.99: /python",
            "there is no Python 3.97",
            "old Python 3.99: /python",
        ];
        assert_eq!(told(canary(), (3, 99), true), all);
    }
}
