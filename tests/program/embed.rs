//! A program that has larder built in: the example of it, against a registry on loopback.

use std::fs;

use larder::core::environment::Environment;

use crate::support::{World, packages};

#[expect(dead_code, reason = "the example's main reads its own process")]
#[path = "../../examples/embed.rs"]
mod example;

/// What a program of the world's user would read of its own.
fn environment(world: &World) -> Environment {
    let home = world.folder.path().join("home");
    let variables = [
        ("HOME", home.to_str().unwrap().to_owned()),
        ("npm_config_registry", world.server.url("/")),
        ("npm_config_replace_registry_host", "registry.example".to_owned()),
    ];
    Environment::new(&world.project(), variables)
}

#[test]
fn a_program_that_has_larder_built_in_fetches_once_and_makes_a_view_without_a_line_printed() {
    let world = World::new(&packages(3));
    let environment = environment(&world);
    let view = world.folder.path().join("view");
    for requests in [3, 0] {
        world.server.forget();
        let count = example::complete(&world.project(), &world.store(), &view, &environment).unwrap();
        assert_eq!((count, world.server.requests().len()), (3, requests));
        let own = world.folder.path().join("of-the-program");
        let run = world.run(&["view", "npm-cache", own.to_str().unwrap(), "--offline"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let index = |folder: &std::path::Path| fs::read(folder.join(".larder-view")).unwrap();
        assert_eq!(index(&view), index(&own), "it is the view that the program makes");
    }
}

#[test]
fn what_is_missing_is_an_error_that_names_the_package() {
    let world = World::new(&[]);
    world.lock(&packages(1));
    let environment = environment(&world);
    let view = world.folder.path().join("view");
    let error = example::complete(&world.project(), &world.store(), &view, &environment).unwrap_err().to_string();
    assert!(error.starts_with("package-0 1.0.0: ") && !view.exists(), "{error}");
}
