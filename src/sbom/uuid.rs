//! A UUID that is made from bytes: version 8 of RFC 9562, whose bits are whatever its maker says, here those of a blake3.

/// The UUID of these pieces, which are told apart.
pub(super) fn uuid_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for piece in pieces {
        hasher.update(&(piece.len() as u64).to_le_bytes());
        hasher.update(piece);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_its_version_and_is_of_its_pieces() {
        let uuid = uuid_of([&b"a"[..], b"bc"]);
        assert_eq!((uuid.len(), &uuid[14..15], uuid_of([&b"a"[..], b"bc"])), (36, "8", uuid.clone()));
        assert!("89ab".contains(&uuid[19..20]));
        assert_ne!(uuid, uuid_of([&b"ab"[..], b"c"]));
    }
}
