//! The client against a registry that refuses, redirects, breaks off and lies.

mod logins;
mod reading;
mod writing;

use std::time::Duration;

use super::{super::mock, *};
use mock::Mock;

fn settings() -> ClientSettings {
    ClientSettings {
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
        retry_after_max: Duration::from_millis(60),
        retries: 3,
        ..ClientSettings::default()
    }
}

fn opened(mock: &Mock, access: Access, credentials: Credentials) -> Repository {
    let reference = Reference::parse(&format!("oci://{}/team/app:v1", mock.address), None).unwrap();
    Repository::open(&reference, access, &settings(), credentials).unwrap()
}

fn anonymous(mock: &Mock) -> Repository {
    opened(mock, Access::Pull, Credentials::anonymous())
}

fn v1() -> Version {
    Version::Tag("v1".to_owned())
}

async fn all(body: &mut BlobBody) -> Result<Vec<u8>, RegistryError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.chunk().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The error's text, with the mock's address replaced.
fn text(mock: &Mock, error: &RegistryError) -> String {
    error.to_string().replace(&mock.address.to_string(), "registry.example")
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

fn source(bytes: Vec<u8>) -> BlobSource {
    Arc::new(move |out| out.write_all(&bytes))
}
