//! Encodes one artifact as the difference to another one, so that the package ships one module and a small delta.
//! Both are linked of the same functions. As one has a few imports more, the number of every function that is called
//! differs: thousands of bytes, which all differ in the same way.
//!
//! A delta is a sequence of steps through the one file, which the other is written by:
//!
//! ```text
//! size of the result, CRC-32 of the result (u32 each, little-endian); then, until the result is whole:
//!   same       LEB128   bytes to copy
//!   changed    LEB128   bytes to copy with a difference added to each, which follow: `changed` bytes
//!   new        LEB128   bytes to put in, which follow: `new` bytes
//!   seek       LEB128   where to go on: forward by `seek / 2` bytes or, if it is odd, back by `(seek + 1) / 2`
//! ```
//!
//! Going back is needed, as functions stand in the order of their size, which differs.

use std::collections::HashMap;

/// So many equal bytes are looked for to find where files go on alike.
const SURE: usize = 8;
/// So many equal bytes behind a change are its end.
const ALIKE: usize = 4;
/// Longest change of bytes that stand at the same place.
const CHANGE: usize = 16;
/// Over so many bytes it is counted how many are equal.
const VIEW: usize = 96;
/// How many new bytes are put in at most before the old file is looked at again.
const REACH: usize = 48;
/// How many places with the same bytes are looked at.
const PLACES: usize = 200;
/// Bytes of the header.
const HEADER: usize = 8;

/// Makes the delta from one file to another.
pub fn make(from: &[u8], to: &[u8]) -> Vec<u8> {
    let places = Places::new(from);
    let mut delta = Vec::new();
    delta.extend_from_slice(&(to.len() as u32).to_le_bytes());
    delta.extend_from_slice(&crc32(to).to_le_bytes());
    let (mut at, mut done) = (0, 0);
    while done < to.len() {
        let same = alike(&from[at..], &to[done..]);
        leb128(&mut delta, same);
        (at, done) = (at + same, done + same);
        let changed = change(&from[at..], &to[done..]);
        leb128(&mut delta, changed);
        let pairs = from[at..].iter().zip(&to[done..]).take(changed);
        delta.extend(pairs.map(|(old, new)| new.wrapping_sub(*old)));
        (at, done) = (at + changed, done + changed);
        let (new, place) =
            if changed > 0 || done == to.len() { (0, at) } else { places.next(&to[done..]).unwrap_or((REACH, at)) };
        let new = new.min(to.len() - done);
        leb128(&mut delta, new);
        delta.extend_from_slice(&to[done..done + new]);
        leb128(&mut delta, if place >= at { 2 * (place - at) } else { 2 * (at - place) - 1 });
        (at, done) = (place, done + new);
    }
    delta
}

/// How many bytes are changed where both files are alike otherwise; 0 if they are not.
fn change(from: &[u8], to: &[u8]) -> usize {
    if 4 * equal(from, to) < 3 * VIEW.min(to.len()) {
        return 0;
    }
    let longest = CHANGE.min(from.len()).min(to.len());
    let ends = |&n: &usize| alike(&from[n..], &to[n..]) >= ALIKE.min(to.len() - n);
    (1..=longest).find(ends).unwrap_or(0)
}

/// Where each sequence of [`SURE`] bytes stands in a file.
struct Places<'a> {
    file: &'a [u8],
    index: HashMap<&'a [u8], Vec<usize>>,
}

impl<'a> Places<'a> {
    fn new(file: &'a [u8]) -> Self {
        let mut index: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (at, bytes) in file.windows(SURE).enumerate() {
            let places = index.entry(bytes).or_default();
            if places.len() < PLACES {
                places.push(at);
            }
        }
        Self { file, index }
    }

    /// After how many new bytes another file goes on as this one does, and where that is.
    fn next(&self, to: &[u8]) -> Option<(usize, usize)> {
        let mut best = None;
        for new in 0..REACH.min(to.len()) {
            let known = to.get(new..new + SURE).and_then(|bytes| self.index.get(bytes));
            for &place in known.into_iter().flatten() {
                let gain = equal(&self.file[place..], &to[new..]).saturating_sub(new);
                if best.is_none_or(|(most, _, _)| gain > most) {
                    best = Some((gain, new, place));
                }
            }
        }
        best.filter(|(gain, ..)| *gain >= SURE).map(|(_, new, place)| (new, place))
    }
}

/// How many of the next bytes are equal.
fn equal(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take(VIEW).filter(|(a, b)| a == b).count()
}

fn alike(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

fn leb128(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Makes the other file of the one and the delta, which zeros may follow; `None` if they do not fit.
pub fn apply(from: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let header = delta.get(..HEADER)?;
    let size = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let mut steps = delta[HEADER..].iter().copied();
    let mut to = Vec::with_capacity(size);
    let mut at = 0_usize;
    while to.len() < size {
        let same = number(&mut steps)?;
        to.extend_from_slice(from.get(at..at.checked_add(same)?)?);
        at += same;
        for _ in 0..number(&mut steps)? {
            to.push(from.get(at)?.wrapping_add(steps.next()?));
            at += 1;
        }
        for _ in 0..number(&mut steps)? {
            to.push(steps.next()?);
        }
        let seek = number(&mut steps)?;
        at = if seek % 2 == 0 { at.checked_add(seek / 2)? } else { at.checked_sub(seek / 2 + 1)? };
    }
    let fits = to.len() == size && steps.all(|fill| fill == 0) && crc32(&to).to_le_bytes() == header[4..];
    fits.then_some(to)
}

fn number(steps: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let byte = steps.next()?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// As in zip (polynomial 0xEDB88320, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: &[u8], to: &[u8]) -> usize {
        let delta = make(from, to);
        assert_eq!(apply(from, &delta).as_deref(), Some(to));
        delta.len()
    }

    /// Bytes without a pattern.
    fn noise(length: usize, mut seed: u32) -> Vec<u8> {
        let next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    }

    #[test]
    fn applying_a_delta_gives_the_other_file() {
        let file = noise(5000, 1);
        check(&file, &file);
        check(&file, &[]);
        check(&[], &file);
        check(&file, &noise(3000, 2));
        for cut in [1, 7, 64, 65, 500] {
            check(&file, &[&file[..1000], &file[1000 + cut..]].concat());
            check(&file, &[&file[..1000], &noise(cut, 3)[..], &file[1000..]].concat());
            check(&file, &[&file[..1000], &noise(cut, 3)[..], &file[1000 + cut..]].concat());
            check(&file, &file[..file.len() - cut]);
            check(&file, &file[cut..]);
        }
    }

    #[test]
    fn a_delta_is_small_where_numbers_have_changed() {
        let file = noise(50_000, 4);
        let mut changed = file.clone();
        changed.iter_mut().step_by(50).for_each(|byte| *byte = byte.wrapping_add(2));
        assert!(check(&file, &changed) < 6000);
    }

    #[test]
    fn a_delta_that_is_damaged_or_of_another_file_gives_nothing() {
        let (from, to) = (noise(500, 5), noise(500, 6));
        let delta = make(&from, &to);
        assert_eq!(apply(&from[1..], &make(&from, &from)), None);
        for at in 0..delta.len() {
            let mut damaged = delta.clone();
            damaged[at] ^= 0x55;
            // Where to go on behind the last bytes makes no difference.
            assert!(apply(&from, &damaged).is_none_or(|result| result == to), "byte {at}");
            assert_eq!(apply(&from, &delta[..at]), None, "{at} bytes");
        }
    }
}
