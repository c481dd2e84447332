//! The bodies of the fuzz targets on inputs from a seed, so that every run of the tests covers them:
//! whatever a host stores and answers, the guest gives errors at most.

use crate::bodies;
use crate::common::Random;

/// Runs a body on random inputs, each of which is also changed a little a few times.
fn fuzz(seed: u64, inputs: usize, body: fn(&[u8]), mut make: impl FnMut(&mut Random) -> Vec<u8>) {
    let random = &mut Random(seed);
    for _ in 0..inputs / 4 {
        let mut input = make(random);
        for _ in 0..4 {
            body(&input);
            if !input.is_empty() {
                let at = random.below(input.len());
                input[at] = random.next() as u8;
            }
        }
    }
}

#[test]
fn stores_of_any_content() {
    fuzz(1, 1000, bodies::stored_value::run, |random| {
        let length = random.below(40);
        random.bytes(length)
    });
}

#[test]
fn keys_of_any_form() {
    const PIECES: [&[u8]; 16] = [
        b"a",
        b"[1]",
        b"[1.5]",
        b"[true]",
        b"[\"",
        b"\"]",
        b"\\xFF",
        b"\\\\",
        b"\n",
        b"[meta]",
        b"[inf]",
        b"\xFF",
        b"\xEF\xBB\xBF",
        b"[",
        b"e5",
        b"\0",
    ];
    fuzz(2, 1000, bodies::key_form::run, |random| match random.below(3) {
        0 => random.bytes(12),
        _ => (0..random.below(10)).flat_map(|_| random.pick(&PIECES).to_vec()).collect(),
    });
}

#[test]
fn hosts_of_any_answer() {
    fuzz(3, 2000, bodies::host_answers::run, |random| {
        let length = random.below(400);
        random.bytes(length)
    });
}
