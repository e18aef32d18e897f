//! Release archives as sources: what is wanted of them arrives, checked; they are read once a fetch, and trusted in nothing.

use super::*;

/// An archive of a release: these files in its folder, or at whatever path they name.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// The archive of a distribution with numpy and pandas, and what else it has.
fn whole() -> Vec<u8> {
    let ((numpy, numpy_bytes), (pandas, pandas_bytes)) =
        (distributed("numpy", "2.2.5"), distributed("pandas", "2.3.1"));
    let noise = larder_test_server::noise(7, 200_000);
    archive(&[
        ("pyodide/pyodide-lock.json", b"{}"),
        (&format!("pyodide/{numpy}"), &numpy_bytes),
        ("pyodide/other-1.0-py3-none-any.whl", &noise),
        (&format!("pyodide/{pandas}"), &pandas_bytes),
        ("pyodide/last-1.0-py3-none-any.whl", &noise),
    ])
}

/// A locked project that asks for pandas, with this source alone.
fn locked(source: &str) -> Pyodide {
    let project = Pyodide::new(&[NUMPY, PANDAS]);
    project.ask(&["pandas"], &format!("sources = [{source}]"));
    assert_eq!(project.lock(), ["numpy 2.2.5*", "pandas 2.3.1*"]);
    project
}

/// A locked project whose source is an archive of this machine.
fn with_file(bytes: &[u8]) -> Pyodide {
    let project = locked(r#""vendor/pyodide-{version}.tar.bz2""#);
    std::fs::create_dir_all(project.world.project().join("vendor")).unwrap();
    std::fs::write(project.world.project().join(format!("vendor/pyodide-{RELEASE}.tar.bz2")), bytes).unwrap();
    project
}

#[test]
fn an_archive_of_this_machine_gives_what_is_locked() {
    let project = with_file(&whole());
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("3 artifacts = 1 already here + 2 fetched + 0 failed"), "{run:?}");
    assert_eq!(project.run(&["view", "pyodide", "out"]).code, Some(0));
    assert_eq!(project.world.left_in_partial(), 0);
}

#[test]
fn an_archive_at_an_address_is_asked_for_once_whatever_is_wanted_of_it() {
    let project = locked("\"cdn\"");
    let path = format!("/pyodide-{RELEASE}.tar.bz2");
    project.world.server.on(&path, Reply::body(whole()));
    let sources =
        ["/nowhere/", "/pyodide-{version}.tar.bz2"].map(|path| format!("{:?}", project.world.server.url(path)));
    project.ask(&["pandas"], &format!("sources = [{}]", sources.join(", ")));
    project.world.server.forget();
    let run = project.run(&["fetch"]);
    assert_eq!((run.code, project.world.server.count(&path)), (Some(0), 1), "{run:?}");
    assert_eq!(project.requests_below("/nowhere/"), 2);
    project.world.server.forget();
    assert_eq!((project.run(&["fetch"]).code, project.world.server.requests().len()), (Some(0), 0));
}

#[test]
fn a_download_that_breaks_off_goes_on_where_its_version_is_named_and_else_begins_again() {
    let bytes = whole();
    let path = format!("/pyodide-{RELEASE}.tar.bz2");
    for (tag, status) in [(None, 200), (Some("\"1\""), 206)] {
        let project = locked("\"cdn\"");
        let reply = || tag.into_iter().fold(Reply::body(bytes.clone()), Reply::etag);
        project.world.server.script(&path, [reply().cut_after(bytes.len() / 4), reply()]);
        project.ask(&["pandas"], &format!("sources = [{:?}]", project.world.server.url("/pyodide-{version}.tar.bz2")));
        let run = project.run(&["fetch"]);
        let asked = project.world.server.requests();
        let statuses: Vec<u16> =
            asked.iter().filter(|request| request.path == path).map(|request| request.status).collect();
        assert_eq!((run.code, statuses), (Some(0), vec![200, status]), "{run:?}");
    }
}

#[test]
fn an_archive_that_is_cut_off_gives_what_stands_before_and_names_the_rest() {
    let bytes = whole();
    let project = with_file(&bytes[..bytes.len() * 3 / 5]);
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected =
        format!("vendor/pyodide-{RELEASE}.tar.bz2 cannot be unpacked as far as {}", distributed("pandas", "2.3.1").0);
    assert!(run.err.contains(&expected) && run.err.contains("error: pandas 2.3.1: could not be fetched"), "{run:?}");
    assert!(run.err.contains("hint: no source has it"), "{run:?}");
    assert_eq!(project.world.left_in_partial(), 0);
}

#[test]
fn an_archive_that_lacks_a_file_names_it_and_the_next_source_is_asked() {
    let (numpy, bytes) = distributed("numpy", "2.2.5");
    let project = with_file(&archive(&[(&format!("pyodide/{numpy}"), &bytes)]));
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let expected = format!("vendor/pyodide-{RELEASE}.tar.bz2 has no {}", distributed("pandas", "2.3.1").0);
    assert!(run.err.contains(&expected), "{run:?}");
    let sources =
        format!("sources = [\"vendor/pyodide-{{version}}.tar.bz2\", {:?}]", project.world.server.url("/dist/"));
    project.ask(&["pandas"], &sources);
    assert_eq!(project.run(&["fetch"]).code, Some(0));
}

#[test]
fn bytes_that_are_not_the_locked_ones_and_paths_that_lead_elsewhere_are_refused() {
    let (numpy, pandas) = (distributed("numpy", "2.2.5"), distributed("pandas", "2.3.1").0);
    let project = with_file(&archive(&[
        (&format!("../{pandas}"), b"elsewhere"),
        (&format!("/{pandas}"), b"elsewhere"),
        (&format!("pyodide/{}", numpy.0), b"other bytes"),
    ]));
    let run = project.run(&["fetch"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("error: numpy 2.2.5: digest does not match larder.lock"), "{run:?}");
    assert!(run.err.contains(&format!("has no {pandas}")), "{run:?}");
    assert!(!project.world.folder.path().join(&pandas).exists() && !project.world.project().join(&pandas).exists());
    assert_eq!(project.world.left_in_partial(), 0);
}
