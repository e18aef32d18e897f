//! Any bytes as a wheel: no panic, and no more memory than its metadata may have.
#![no_main]

use std::io::Cursor;

use larder::{pyodide::wheel::Wheel, python::wheel_name::WheelName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = WheelName::parse("a-1.0-py3-none-any.whl").expect("a wheel's name");
    if let Ok(wheel) = Wheel::read(&name, &mut Cursor::new(bytes)) {
        assert!(wheel.metadata().len() <= 8 << 20);
        assert!(wheel.imports().iter().all(|module| !module.contains('/')));
    }
});
