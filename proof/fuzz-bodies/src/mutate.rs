//! Changes to inputs, drawn from a seed: always the same ones. Not here: coverage; that is the fuzzer's.

/// Bytes that mean something to one of the languages.
const WORDS: [&[u8]; 32] = [
    b"\r\n",
    b"\n",
    b" ",
    b"\t",
    b"\r",
    b"PUB ",
    b"HPUB ",
    b"SUB ",
    b"UNSUB ",
    b"CONNECT {",
    b"PING\r\n",
    b"PONG\r\n",
    b"INFO {",
    b"-ERR ",
    b"+OK\r\n",
    b"RS+ ",
    b"RS- ",
    b"A+ ",
    b"RMSG ",
    b"HMSG ",
    b"+ ",
    b"| ",
    b"0",
    b"1",
    b"-1",
    b"999999999",
    b"99999999999999999999",
    b"NATS/1.0\r\n\r\n",
    b"{",
    b"}",
    b"include ",
    b"$PORT",
];

/// A source of random numbers (SplitMix64): small, and the same everywhere.
#[derive(Debug)]
pub struct Chance(u64);

impl Chance {
    /// The numbers of `seed`.
    pub fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which must not be 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// One of `inputs` with a few changes, sometimes continued by another one.
pub fn mutated(inputs: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = inputs[chance.below(inputs.len())].clone();
    if chance.below(4) == 0 {
        let other = &inputs[chance.below(inputs.len())];
        bytes.truncate(chance.below(bytes.len() + 1));
        bytes.extend_from_slice(&other[chance.below(other.len() + 1)..]);
    }
    for _ in 0..=chance.below(4) {
        change(&mut bytes, chance);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len() + 1);
    let until = (at + 1 + chance.below(8)).min(bytes.len());
    match chance.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
        1 if at < bytes.len() => bytes[at] = chance.next() as u8,
        2 if at < until => drop(bytes.drain(at..until)),
        3 if at < until => {
            let again = bytes[at..until].to_vec();
            bytes.splice(at..at, again);
        }
        4 => bytes.truncate(at),
        _ => drop(bytes.splice(at..at, WORDS[chance.below(WORDS.len())].iter().copied())),
    }
}
