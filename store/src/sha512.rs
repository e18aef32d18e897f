//! SHA-512 of many streams at once, with SIMD lanes: twice the speed of one stream after the other where the processor allows it.
//!
//! A stream collects its bytes into chunks and queues each full chunk. A thread compresses queued chunks of up to four streams [side by side](lanes) if many streams
//! wait, if too many chunks are its own, or if it needs a digest. So no thread waits for other streams, a single stream loses no speed, and memory holds only a few
//! chunks of each stream.

mod lanes;
mod queue;

use std::{fmt, mem};

use self::{
    lanes::{BLOCK_BYTES, State},
    queue::{QUEUE, Ticket},
};

/// Bytes that are compressed in one go. Four of them fit the second-level cache; smaller ones cost more locking, larger ones more memory.
const CHUNK_BYTES: usize = 64 << 10;

/// The 64 leading bits of the fractions of the square roots of the first eight primes (FIPS 180-4, section 5.3.5).
const INITIAL: State = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// The SHA-512 of a stream.
pub(crate) struct Sha512 {
    /// Once there was a full chunk.
    queued: Option<Ticket>,
    chunk: Vec<u8>,
    len: u64,
    /// Whether the last chunk is queued.
    is_closed: bool,
}

impl Sha512 {
    /// Of no bytes yet.
    pub(crate) const fn new() -> Self {
        Self { queued: None, chunk: Vec::new(), len: 0, is_closed: false }
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        while !bytes.is_empty() {
            let (fitting, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.chunk.len()));
            self.chunk.extend_from_slice(fitting);
            bytes = rest;
            if self.chunk.len() == CHUNK_BYTES {
                // What fills one chunk fills a second one, more often than not.
                let chunk = mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
                QUEUE.post(self.ticket(), chunk);
            }
        }
    }

    /// Queues the last chunk: no more bytes come. Where several streams are closed before the first digest is asked for, they are company for each other.
    pub(crate) fn close(&mut self) {
        if self.is_closed {
            return;
        }
        self.is_closed = true;
        let mut rest = mem::take(&mut self.chunk);
        rest.push(0x80);
        rest.resize((rest.len() + 16).next_multiple_of(BLOCK_BYTES) - 16, 0);
        rest.extend_from_slice(&(u128::from(self.len) * 8).to_be_bytes());
        QUEUE.post(self.ticket(), rest);
    }

    /// The digest of all bytes taken.
    pub(crate) fn finalize(mut self) -> [u8; 64] {
        self.close();
        let ticket = self.ticket();
        let mut digest = [0; 64];
        for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(QUEUE.state(ticket)) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    fn ticket(&mut self) -> Ticket {
        *self.queued.get_or_insert_with(|| QUEUE.enter(INITIAL))
    }
}

impl Clone for Sha512 {
    fn clone(&self) -> Self {
        let queued = self.queued.map(|ticket| QUEUE.enter(QUEUE.state(ticket)));
        Self { queued, chunk: self.chunk.clone(), len: self.len, is_closed: self.is_closed }
    }
}

impl Drop for Sha512 {
    fn drop(&mut self) {
        if let Some(ticket) = self.queued {
            QUEUE.leave(ticket);
        }
    }
}

impl fmt::Debug for Sha512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sha512").field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    /// Bytes that differ from seed to seed and place to place.
    fn bytes(seed: u64, len: usize) -> Vec<u8> {
        let mut word = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let next = || {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word.to_le_bytes()[3]
        };
        std::iter::repeat_with(next).take(len).collect()
    }

    fn expected(bytes: &[u8]) -> [u8; 64] {
        sha2::Sha512::digest(bytes).into()
    }

    /// The digest of bytes that come in pieces of these lengths, over and over.
    fn in_pieces(bytes: &[u8], lens: &[usize]) -> [u8; 64] {
        let mut hash = Sha512::new();
        let mut rest = bytes;
        for len in lens.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*len));
            hash.update(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        hash.finalize()
    }

    #[test]
    fn gives_the_digests_of_the_standards_examples() {
        let million = vec![b'a'; 1_000_000];
        let two_blocks = b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
        let cases: [(&[u8], &str); 4] = [
            (
                b"",
                "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            ),
            (
                b"abc",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                two_blocks,
                "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
            ),
            (
                &million,
                "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
            ),
        ];
        for (bytes, digest) in cases {
            let found: Vec<String> = in_pieces(bytes, &[1000]).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found.concat(), digest, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn pads_every_length_around_a_block_and_a_chunk() {
        for around in [0, BLOCK_BYTES, CHUNK_BYTES, 2 * CHUNK_BYTES] {
            for len in around.saturating_sub(BLOCK_BYTES + 1)..=around + BLOCK_BYTES + 1 {
                let bytes = bytes(1, len);
                assert_eq!(in_pieces(&bytes, &[usize::MAX]), expected(&bytes), "{len} bytes");
            }
        }
    }

    #[test]
    fn streams_on_many_threads_do_not_mix() {
        thread::scope(|scope| {
            for seed in 0..16 {
                scope.spawn(move || {
                    for round in 0..40 {
                        let len = [12_000, 3 * CHUNK_BYTES, 70_000, 500_000, 1][(seed + round) % 5] + seed * 37;
                        let bytes = bytes((seed * 100 + round) as u64, len);
                        assert_eq!(in_pieces(&bytes, &[16 << 10, 9, 100_000]), expected(&bytes), "{seed}, {round}");
                    }
                });
            }
        });
    }

    #[test]
    fn a_copy_and_its_original_go_separate_ways() {
        let bytes = bytes(2, CHUNK_BYTES + 5);
        let mut original = Sha512::new();
        original.update(&bytes);
        let copy = original.clone();
        original.update(b"more");
        assert_eq!(copy.finalize(), expected(&bytes));
        assert_eq!(original.finalize(), expected(&[&bytes[..], b"more"].concat()));
    }

    #[test]
    fn streams_that_are_closed_before_any_is_asked_for_have_their_own_digests() {
        let bodies: Vec<_> = (0..9).map(|seed| bytes(seed, usize::try_from(seed).unwrap() * 30_000)).collect();
        let mut hashes = vec![Sha512::new(); bodies.len()];
        for (hash, body) in hashes.iter_mut().zip(&bodies) {
            hash.update(body);
            hash.close();
        }
        for (hash, body) in hashes.into_iter().zip(&bodies) {
            assert_eq!(hash.finalize(), expected(body));
        }
    }

    #[test]
    fn a_stream_given_up_leaves_nothing_queued() {
        let mut given_up = Sha512::new();
        given_up.update(&bytes(3, CHUNK_BYTES));
        let ticket = given_up.queued.expect("a full chunk is queued");
        drop(given_up);
        assert!(!QUEUE.knows(ticket));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn streams_taken_in_turns_have_the_digests_of_each_alone(
            streams in prop::collection::vec((0..300_000_usize, 1..100_000_usize), 1..9),
        ) {
            let bodies: Vec<_> = streams.iter().zip(0..).map(|((len, _), seed)| bytes(seed, *len)).collect();
            let mut hashes = vec![Sha512::new(); bodies.len()];
            let mut rests: Vec<_> = bodies.iter().map(Vec::as_slice).collect();
            while rests.iter().any(|rest| !rest.is_empty()) {
                for ((hash, rest), (_, piece)) in hashes.iter_mut().zip(&mut rests).zip(&streams) {
                    let (now, later) = rest.split_at(rest.len().min(*piece));
                    hash.update(now);
                    *rest = later;
                }
            }
            for (hash, body) in hashes.into_iter().zip(&bodies) {
                prop_assert_eq!(hash.finalize(), expected(body));
            }
        }
    }
}
