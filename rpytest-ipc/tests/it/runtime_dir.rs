//! The directory where processes meet: found, made, and verified.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use rpytest_ipc::{RuntimeDir, RuntimeDirError};
use tempfile::TempDir;

fn place() -> TempDir {
    tempfile::tempdir().expect("it can be made")
}

fn find(variables: &[(&str, &Path)]) -> Result<RuntimeDir, RuntimeDirError> {
    let variables: HashMap<&str, OsString> =
        variables.iter().map(|(name, path)| (*name, OsString::from(path))).collect();
    RuntimeDir::find(|name| variables.get(name).cloned())
}

#[track_caller]
fn refused(path: &Path, because: &str) {
    let error = RuntimeDir::at(path).expect_err("it must not be used");
    assert_eq!(error.to_string(), format!("runtime directory {}: {because}", path.display()));
}

#[test]
fn a_missing_directory_is_made_for_its_user_alone() {
    let place = place();
    let path = place.path().join("a/b");
    let directory = RuntimeDir::at(&path).expect("it can be made");
    assert_eq!(directory.path(), path);
    for made in [&path, &place.path().join("a")] {
        assert_eq!(fs::metadata(made).expect("it is there").mode() & 0o777, 0o700);
    }
    assert_eq!(RuntimeDir::at(&path).expect("it is there"), directory);
}

#[test]
fn a_directory_that_lets_others_in_is_refused() {
    for mode in [0o755, 0o710, 0o701, 0o770, 0o777] {
        let place = place();
        fs::set_permissions(place.path(), Permissions::from_mode(mode)).expect("it is ours");
        refused(place.path(), &format!("its mode is {mode:03o}, which lets others in; it must be 700"));
    }
}

#[test]
fn another_users_directory_is_refused() {
    if rustix::process::getuid().is_root() {
        let place = place();
        chown(place.path(), Some(12345), None).expect("root may");
        refused(place.path(), "it belongs to user 12345");
    } else {
        refused(Path::new("/usr"), "it belongs to user 0");
    }
}

#[test]
fn what_is_no_directory_is_refused_even_if_it_leads_to_one() {
    let place = place();
    let (target, link, file) = (place.path().join("target"), place.path().join("link"), place.path().join("file"));
    RuntimeDir::at(&target).expect("it can be made");
    symlink(&target, &link).expect("the name is free");
    fs::write(&file, "").expect("the name is free");
    refused(&link, "not a directory");
    refused(&file, "not a directory");
}

#[test]
fn what_cannot_be_made_is_an_error() {
    let place = place();
    fs::write(place.path().join("file"), "").expect("the name is free");
    let error = RuntimeDir::at(&place.path().join("file/below")).expect_err("a file holds no directory");
    assert_eq!(error.path, place.path().join("file/below"));
}

#[test]
fn the_variables_are_asked_in_turn_and_empty_ones_passed_over() {
    let place = place();
    let (own, xdg) = (place.path().join("own"), place.path().join("xdg"));
    fs::create_dir(&xdg).expect("the name is free");
    let empty = Path::new("");
    let path = |variables: &[(&str, &Path)]| find(variables).expect("it can be made").path().to_owned();
    assert_eq!(path(&[("RPYTEST_RUNTIME_DIR", &own), ("XDG_RUNTIME_DIR", &xdg)]), own);
    assert_eq!(path(&[("RPYTEST_RUNTIME_DIR", empty), ("XDG_RUNTIME_DIR", &xdg)]), xdg.join("rpytest"));
}

#[test]
fn its_files_are_in_it() {
    let place = place();
    let directory = RuntimeDir::at(&place.path().join("run")).expect("it can be made");
    assert_eq!(directory.socket(), place.path().join("run/daemon.sock"));
    assert_eq!(directory.lock(), place.path().join("run/daemon.lock"));
}
