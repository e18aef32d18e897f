//! Four independent SHA-512 computations side by side, one in each 64-bit lane of a 256-bit vector (FIPS 180-4, section 6.4).
//!
//! A block of each of four costs as much as 1.6 blocks of one (AVX2, Zen 3): a single computation is one chain of dependent steps and uses a
//! fraction of the processor. Where vectors of that width are not native there is nothing to gain.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined into the dispatching function uses the processor's instructions"
)]
#![expect(clippy::many_single_char_names, reason = "the standard names the eight words of a state so")]

use std::sync::OnceLock;

use fearless_simd::{Level, dispatch, prelude::*, u8x32, u64x4};

/// How many are computed at once.
pub(super) const LANES: usize = 4;

/// The bytes that one compression takes.
pub(super) const BLOCK_BYTES: usize = 128;

/// What one compression takes.
pub(super) type Block = [u8; BLOCK_BYTES];

/// The eight words that a hash has so far.
pub(super) type State = [u64; 8];

/// A processor with native vectors of four 64-bit words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes(Level);

impl Lanes {
    /// The lanes of this processor, if it has them.
    pub(super) fn detect() -> Option<Self> {
        static LANES: OnceLock<Option<Lanes>> = OnceLock::new();
        *LANES.get_or_init(|| {
            let level = Level::new();
            dispatch!(level, simd => has_lanes(simd)).then_some(Self(level))
        })
    }

    /// Compresses as many blocks into each state as the shortest lane has; says how many.
    pub(super) fn compress(self, states: &mut [State; LANES], blocks: [&[Block]; LANES]) -> usize {
        dispatch!(self.0, simd => compress(simd, states, blocks))
    }
}

#[inline(always)]
fn has_lanes<S: Simd>(_: S) -> bool {
    size_of::<S::u64s>() >= size_of::<[u64; LANES]>()
}

#[inline(always)]
fn compress<S: Simd>(simd: S, states: &mut [State; LANES], blocks: [&[Block]; LANES]) -> usize {
    let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
    let [a, b, c, d] = blocks.map(|blocks| &blocks[..count]);
    let mut state = gather(simd, states);
    for position in 0..count {
        let mut words = load(simd, [&a[position], &b[position], &c[position], &d[position]]);
        let before = state;
        let (last, scheduled) = CONSTANTS.split_last().expect("there are five groups");
        for constants in scheduled {
            sixteen_steps(simd, &mut state, &mut words, constants, true);
        }
        sixteen_steps(simd, &mut state, &mut words, last, false);
        for (word, before) in state.iter_mut().zip(before) {
            *word += before;
        }
    }
    scatter(simd, state, states);
    count
}

/// Sixteen of the eighty steps; `is_scheduling` makes the words of the next sixteen as well.
#[inline(always)]
fn sixteen_steps<S: Simd>(
    simd: S,
    state: &mut [u64x4<S>; 8],
    words: &mut [u64x4<S>; 16],
    constants: &[u64; 16],
    is_scheduling: bool,
) {
    // Written out, since a loop's indices would keep the state in memory instead of registers.
    macro_rules! steps {
        ($($index:literal)*) => {$(
            step::<$index, S>(simd, state, words[$index], constants[$index]);
            if is_scheduling {
                schedule::<$index, S>(words);
            }
        )*};
    }
    steps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
}

/// One step. Instead of moving the eight words on, it moves their names: the word called `a` is in place `-INDEX` modulo 8.
#[inline(always)]
fn step<const INDEX: usize, S: Simd>(simd: S, state: &mut [u64x4<S>; 8], word: u64x4<S>, constant: u64) {
    // No closures: what is in one may be compiled apart, without the instructions, which costs up to nine tenths of the speed.
    let [a, b, c, d] =
        [state[place::<INDEX>(0)], state[place::<INDEX>(1)], state[place::<INDEX>(2)], state[place::<INDEX>(3)]];
    let [e, f, g, h] =
        [state[place::<INDEX>(4)], state[place::<INDEX>(5)], state[place::<INDEX>(6)], state[place::<INDEX>(7)]];
    let chosen = g ^ (e & (f ^ g));
    let majority = (a & b) ^ (c & (a ^ b));
    let mixed = h + (word + simd.splat_u64x4(constant)) + chosen + (rotated(e, 14) ^ rotated(e, 18) ^ rotated(e, 41));
    state[place::<INDEX>(3)] = d + mixed;
    state[place::<INDEX>(7)] = mixed + majority + (rotated(a, 28) ^ rotated(a, 34) ^ rotated(a, 39));
}

/// Where the word of a name is at a step.
#[inline(always)]
const fn place<const INDEX: usize>(name: usize) -> usize {
    (name + 16 - INDEX) % 8
}

/// Replaces a word by the one sixteen steps on.
#[inline(always)]
fn schedule<const INDEX: usize, S: Simd>(words: &mut [u64x4<S>; 16]) {
    let early = words[(INDEX + 1) % 16];
    let late = words[(INDEX + 14) % 16];
    words[INDEX] = words[INDEX]
        + words[(INDEX + 9) % 16]
        + (rotated(early, 1) ^ rotated(early, 8) ^ (early >> 7))
        + (rotated(late, 19) ^ rotated(late, 61) ^ (late >> 6));
}

#[inline(always)]
fn rotated<S: Simd>(word: u64x4<S>, by: u32) -> u64x4<S> {
    (word >> by) | (word << (64 - by))
}

/// The sixteen big-endian words of a block, of all lanes.
#[inline(always)]
fn load<S: Simd>(simd: S, blocks: [&Block; LANES]) -> [u64x4<S>; 16] {
    let swap: u8x32<S> = SWAPPED.simd_into(simd);
    let mut words = [simd.splat_u64x4(0); 16];
    for quarter in 0..4 {
        let mut rows = [simd.splat_u64x4(0); LANES];
        for (row, block) in rows.iter_mut().zip(blocks) {
            let bytes: u8x32<S> = block.as_chunks::<32>().0[quarter].simd_into(simd);
            *row = u64x4::from_bytes(simd.swizzle_dyn_within_blocks_u8x32(bytes, swap));
        }
        words.as_chunks_mut::<4>().0[quarter] = transposed(simd, rows);
    }
    words
}

/// The eight words of the states, of all lanes.
#[inline(always)]
fn gather<S: Simd>(simd: S, states: &[State; LANES]) -> [u64x4<S>; 8] {
    let half = |half: usize| transposed(simd, states.map(|state| state.as_chunks::<4>().0[half].simd_into(simd)));
    let ([a, b, c, d], [e, f, g, h]) = (half(0), half(1));
    [a, b, c, d, e, f, g, h]
}

/// The way back from [`gather`].
#[inline(always)]
fn scatter<S: Simd>(simd: S, [a, b, c, d, e, f, g, h]: [u64x4<S>; 8], states: &mut [State; LANES]) {
    let low = transposed(simd, [a, b, c, d]);
    let high = transposed(simd, [e, f, g, h]);
    for (state, (low, high)) in states.iter_mut().zip(low.into_iter().zip(high)) {
        state[..4].copy_from_slice(&*low);
        state[4..].copy_from_slice(&*high);
    }
}

/// Rows become columns.
#[inline(always)]
fn transposed<S: Simd>(simd: S, [a, b, c, d]: [u64x4<S>; 4]) -> [u64x4<S>; 4] {
    let (ac_low, ac_high) = simd.interleave_u64x4(a, c);
    let (bd_low, bd_high) = simd.interleave_u64x4(b, d);
    let (first, second) = simd.interleave_u64x4(ac_low, bd_low);
    let (third, fourth) = simd.interleave_u64x4(ac_high, bd_high);
    [first, second, third, fourth]
}

/// Where the bytes of four big-endian words are in memory, within each half.
const SWAPPED: [u8; 32] =
    [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8];

/// The 64 leading bits of the fractions of the cube roots of the first eighty primes (FIPS 180-4, section 4.2.3).
const CONSTANTS: [[u64; 16]; 5] = [
    [
        0x428a_2f98_d728_ae22,
        0x7137_4491_23ef_65cd,
        0xb5c0_fbcf_ec4d_3b2f,
        0xe9b5_dba5_8189_dbbc,
        0x3956_c25b_f348_b538,
        0x59f1_11f1_b605_d019,
        0x923f_82a4_af19_4f9b,
        0xab1c_5ed5_da6d_8118,
        0xd807_aa98_a303_0242,
        0x1283_5b01_4570_6fbe,
        0x2431_85be_4ee4_b28c,
        0x550c_7dc3_d5ff_b4e2,
        0x72be_5d74_f27b_896f,
        0x80de_b1fe_3b16_96b1,
        0x9bdc_06a7_25c7_1235,
        0xc19b_f174_cf69_2694,
    ],
    [
        0xe49b_69c1_9ef1_4ad2,
        0xefbe_4786_384f_25e3,
        0x0fc1_9dc6_8b8c_d5b5,
        0x240c_a1cc_77ac_9c65,
        0x2de9_2c6f_592b_0275,
        0x4a74_84aa_6ea6_e483,
        0x5cb0_a9dc_bd41_fbd4,
        0x76f9_88da_8311_53b5,
        0x983e_5152_ee66_dfab,
        0xa831_c66d_2db4_3210,
        0xb003_27c8_98fb_213f,
        0xbf59_7fc7_beef_0ee4,
        0xc6e0_0bf3_3da8_8fc2,
        0xd5a7_9147_930a_a725,
        0x06ca_6351_e003_826f,
        0x1429_2967_0a0e_6e70,
    ],
    [
        0x27b7_0a85_46d2_2ffc,
        0x2e1b_2138_5c26_c926,
        0x4d2c_6dfc_5ac4_2aed,
        0x5338_0d13_9d95_b3df,
        0x650a_7354_8baf_63de,
        0x766a_0abb_3c77_b2a8,
        0x81c2_c92e_47ed_aee6,
        0x9272_2c85_1482_353b,
        0xa2bf_e8a1_4cf1_0364,
        0xa81a_664b_bc42_3001,
        0xc24b_8b70_d0f8_9791,
        0xc76c_51a3_0654_be30,
        0xd192_e819_d6ef_5218,
        0xd699_0624_5565_a910,
        0xf40e_3585_5771_202a,
        0x106a_a070_32bb_d1b8,
    ],
    [
        0x19a4_c116_b8d2_d0c8,
        0x1e37_6c08_5141_ab53,
        0x2748_774c_df8e_eb99,
        0x34b0_bcb5_e19b_48a8,
        0x391c_0cb3_c5c9_5a63,
        0x4ed8_aa4a_e341_8acb,
        0x5b9c_ca4f_7763_e373,
        0x682e_6ff3_d6b2_b8a3,
        0x748f_82ee_5def_b2fc,
        0x78a5_636f_4317_2f60,
        0x84c8_7814_a1f0_ab72,
        0x8cc7_0208_1a64_39ec,
        0x90be_fffa_2363_1e28,
        0xa450_6ceb_de82_bde9,
        0xbef9_a3f7_b2c6_7915,
        0xc671_78f2_e372_532b,
    ],
    [
        0xca27_3ece_ea26_619c,
        0xd186_b8c7_21c0_c207,
        0xeada_7dd6_cde0_eb1e,
        0xf57d_4f7f_ee6e_d178,
        0x06f0_67aa_7217_6fba,
        0x0a63_7dc5_a2c8_98a6,
        0x113f_9804_bef9_0dae,
        0x1b71_0b35_131c_471b,
        0x28db_77f5_2304_7d84,
        0x32ca_ab7b_40c7_2493,
        0x3c9e_be0a_15c9_bebc,
        0x431d_67c4_9c10_0d4c,
        0x4cc5_d4be_cb3e_42b6,
        0x597f_299c_fc65_7e2a,
        0x5fcb_6fab_3ad6_faec,
        0x6c44_198c_4a47_5817,
    ],
];

#[cfg(test)]
mod tests {
    use std::array;

    use super::*;

    #[test]
    fn each_lane_is_what_it_would_be_alone() {
        let Some(lanes) = Lanes::detect() else { return };
        let block = |lane: usize, position: usize| {
            array::from_fn(|byte| (lane * 89 + position * 31 + byte * 7).to_le_bytes()[0])
        };
        let blocks: [Vec<Block>; LANES] =
            array::from_fn(|lane| (0..5 + lane).map(|position| block(lane, position)).collect());
        let mut states: [State; LANES] =
            array::from_fn(|lane| array::from_fn(|word| ((lane + 3) << (word * 7)) as u64));
        let mut alone = states;
        let count = lanes.compress(&mut states, blocks.each_ref().map(Vec::as_slice));
        assert_eq!(count, 5);
        for (state, blocks) in alone.iter_mut().zip(&blocks) {
            sha2::block_api::compress512(state, &blocks[..count]);
        }
        assert_eq!(states, alone);
    }
}
