//! `time.h`: the clock as far as the host tells it, and the proleptic Gregorian calendar for every
//! 64-bit time whose year fits. Local time is the host's offset from UTC; no zone has a name or a
//! daylight saving flag.

use super::errno::{self, EOVERFLOW};
use crate::cell::Global;
use crate::session;
use core::ffi::{CStr, c_char, c_int, c_long};
use core::{ptr, slice};

/// `time_t`: seconds since 1970.
pub type Time = i64;

const DAY: i64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const CYCLE: i64 = 146_097;
/// Days from March 1 of the year 0 to January 1, 1970.
const EPOCH: i64 = 719_468;

/// `struct tm`.
#[allow(missing_docs, reason = "C's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Tm {
    pub tm_sec: c_int,
    pub tm_min: c_int,
    pub tm_hour: c_int,
    pub tm_mday: c_int,
    pub tm_mon: c_int,
    pub tm_year: c_int,
    pub tm_wday: c_int,
    pub tm_yday: c_int,
    pub tm_isdst: c_int,
    pub tm_gmtoff: c_long,
    pub tm_zone: *const c_char,
}

impl Tm {
    const ZERO: Self = Self {
        tm_sec: 0,
        tm_min: 0,
        tm_hour: 0,
        tm_mday: 0,
        tm_mon: 0,
        tm_year: 0,
        tm_wday: 0,
        tm_yday: 0,
        tm_isdst: 0,
        tm_gmtoff: 0,
        tm_zone: ptr::null(),
    };
}

/// What functions of C return a pointer to, and overwrite on their next call.
static FIELDS: Global<Tm> = Global::new(Tm::ZERO);
static ZONE: Global<[u8; 8]> = Global::new([0; 8]);

/// Puts a value into one of these, and returns where it lies.
fn kept<T>(place: &Global<T>, value: T) -> *mut T {
    place.set(value);
    place.as_ptr()
}

/// The day of a date, counted from 1970: `month` from 0, `day` from 1, either beyond its usual
/// range as well.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    // A year that starts in March has its leap day at the end.
    let year = year + (month - 2).div_euclid(12);
    let month = (month - 2).rem_euclid(12);
    let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
    let before = year * 365 + year / 4 - year / 100 + (month * 153 + 2) / 5;
    cycle * CYCLE + before + day - 1 - EPOCH
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The fields of a time, `offset` seconds east of UTC; none if its year does not fit.
fn fields(time: Time, offset: i32) -> Option<Tm> {
    let local = time.checked_add(offset.into())?;
    let (day, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let shifted = day + EPOCH;
    let (cycle, rest) = (shifted.div_euclid(CYCLE), shifted.rem_euclid(CYCLE));
    let year = (rest - rest / 1460 + rest / 36_524 - rest / (CYCLE - 1)) / 365;
    let day_of_year = rest - (year * 365 + year / 4 - year / 100);
    let month = (day_of_year * 5 + 2) / 153;
    let month_day = day_of_year - (month * 153 + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = cycle * 400 + year + i64::from(month < 2);
    Some(Tm {
        tm_sec: (second % 60) as c_int,
        tm_min: (second / 60 % 60) as c_int,
        tm_hour: (second / 3600) as c_int,
        tm_mday: month_day as c_int,
        tm_mon: month as c_int,
        tm_year: c_int::try_from(year - 1900).ok()?,
        tm_wday: (day + 4).rem_euclid(7) as c_int,
        tm_yday: (day - day_number(year, 0, 1)) as c_int,
        tm_isdst: 0,
        tm_gmtoff: c_long::from(offset),
        tm_zone: ptr::null(),
    })
}

/// The seconds since 1970 of fields that may lie outside their usual ranges, taken as UTC.
fn seconds(fields: &Tm) -> i64 {
    let [year, month, day] = [fields.tm_year, fields.tm_mon, fields.tm_mday].map(i64::from);
    let [hour, minute, second] = [fields.tm_hour, fields.tm_min, fields.tm_sec].map(i64::from);
    day_number(year + 1900, month, day) * DAY + hour * 3600 + minute * 60 + second
}

/// The name of a zone that has none: its offset, as the zone database writes it; `UTC` without one.
fn zone_name(offset: i32) -> [u8; 8] {
    let mut name = [0; 8];
    if offset == 0 {
        name[..3].copy_from_slice(b"UTC");
    } else {
        let minutes = offset.unsigned_abs() / 60;
        let two = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        name[0] = if offset < 0 { b'-' } else { b'+' };
        name[1..3].copy_from_slice(&two(minutes / 60));
        if !minutes.is_multiple_of(60) {
            name[3..5].copy_from_slice(&two(minutes % 60));
        }
    }
    name
}

fn local_fields(time: Time) -> Option<Tm> {
    let offset = session::utc_offset(time as f64);
    let mut fields = fields(time, offset)?;
    fields.tm_zone = kept(&ZONE, zone_name(offset)).cast();
    Some(fields)
}

/// A host's seconds as an integer.
fn whole(seconds: f64) -> i64 {
    // A cast rounds towards zero, which is the wrong way before 1970.
    let whole = seconds as i64;
    whole - i64::from(whole as f64 > seconds)
}

/// The current time; 0 where the host does not tell it: `os.time` gives a number, whose meaning is the system's.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn time(out: *mut Time) -> Time {
    let now = session::wall_seconds().map_or(0, whole);
    if !out.is_null() {
        // SAFETY: an address that is not null can be written.
        unsafe { *out = now };
    }
    now
}

/// Processor time in microseconds; 0 where the host does not tell it.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn clock() -> i64 {
    session::cpu_seconds().map_or(0, |seconds| (seconds * 1e6) as i64)
}

/// The seconds from one time to another.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub extern "C" fn difftime(later: Time, earlier: Time) -> f64 {
    (i128::from(later) - i128::from(earlier)) as f64
}

/// Null, with the reason in `errno`, if there are no fields.
fn answer(fields: Option<Tm>) -> *mut Tm {
    match fields {
        Some(fields) => kept(&FIELDS, fields),
        None => {
            errno::set(EOVERFLOW);
            ptr::null_mut()
        }
    }
}

/// The fields of a time in UTC; null if its year does not fit.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn gmtime(time: *const Time) -> *mut Tm {
    // SAFETY: the caller passes the address of a time.
    let time = unsafe { *time };
    answer(fields(time, 0).map(|fields| Tm { tm_zone: c"GMT".as_ptr(), ..fields }))
}

/// The fields of a time in local time; null if its year does not fit.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn localtime(time: *const Time) -> *mut Tm {
    // SAFETY: the caller passes the address of a time.
    answer(local_fields(unsafe { *time }))
}

/// The time of fields in local time, which are brought into their ranges; -1 if the year does not
/// fit.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn mktime(fields: *mut Tm) -> Time {
    // SAFETY: the caller passes the address of fields.
    let fields = unsafe { &mut *fields };
    let local = seconds(fields);
    // The offset is asked for by UTC: the first answer may lie on the other side of a change of
    // clocks.
    let guess = local - i64::from(session::utc_offset(local as f64));
    let time = local - i64::from(session::utc_offset(guess as f64));
    match local_fields(time) {
        Some(normal) => {
            *fields = normal;
            time
        }
        None => {
            errno::set(EOVERFLOW);
            -1
        }
    }
}

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Text on its way into a buffer; what does not fit is counted all the same.
struct Line<'a> {
    room: &'a mut [u8],
    length: usize,
}

impl Line<'_> {
    #[inline(never)]
    fn text(&mut self, text: &[u8]) {
        if let Some(room) = self.room.get_mut(self.length..self.length + text.len()) {
            room.copy_from_slice(text);
        }
        self.length += text.len();
    }

    /// The entry of `names` at `index`, or its first letters.
    fn name(&mut self, names: &[&str], index: c_int, letters: usize) {
        let name = usize::try_from(index).ok().and_then(|index| names.get(index)).unwrap_or(&"?");
        self.text(&name.as_bytes()[..letters.min(name.len())]);
    }

    /// A number in at least `width` places, sign included, filled up with `fill`.
    fn number(&mut self, number: i64, width: usize, fill: u8) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = number.unsigned_abs();
        while start > 0 && (rest > 0 || start == digits.len()) {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        if number < 0 {
            self.text(b"-");
        }
        let width = width - usize::from(number < 0).min(width);
        for _ in digits.len() - start..width {
            self.text(&[fill]);
        }
        self.text(&digits[start..]);
    }

    /// A clock's offset from UTC as hours and minutes.
    fn offset(&mut self, offset: c_long) {
        #[allow(clippy::unnecessary_cast, reason = "a long has 32 bits on wasm32")]
        let offset = offset as i64;
        self.text(if offset < 0 { b"-" } else { b"+" });
        let minutes = offset.abs() / 60;
        self.number(minutes / 60 * 100 + minutes % 60, 4, b'0');
    }
}

/// The week of the year for weeks that start `shift` days after a Sunday: week 1 has the year's
/// first such day.
fn week(fields: &Tm, shift: c_int) -> c_int {
    (fields.tm_yday + 7 - (fields.tm_wday - shift).rem_euclid(7)) / 7
}

/// The year and week of ISO 8601: weeks start on Monday, and belong to the year that has their
/// Thursday.
fn iso_week(fields: &Tm) -> (i64, c_int) {
    let year = i64::from(fields.tm_year) + 1900;
    let thursday = fields.tm_yday + 3 - (fields.tm_wday - 1).rem_euclid(7);
    let length = |year| 365 + c_int::from(is_leap(year));
    if thursday < 0 {
        (year - 1, (thursday + length(year - 1)) / 7 + 1)
    } else if thursday >= length(year) {
        (year + 1, 1)
    } else {
        (year, thursday / 7 + 1)
    }
}

/// What a conversion stands for.
enum Item<'a> {
    /// A number, the places that it takes at least, and what fills them.
    Number(i64, usize, u8),
    /// An entry of a list, or its first letters.
    Name(&'static [&'static str], c_int, usize),
    /// An offset from UTC in seconds.
    Offset(c_long),
    Text(&'a [u8]),
    /// Other conversions.
    Format(&'static [u8]),
}

/// What a conversion stands for; none where there is no such conversion.
fn item(conversion: u8, fields: &Tm) -> Option<Item<'_>> {
    use Item::{Format, Name, Number, Offset, Text};
    let two = |number: c_int| Number(number.into(), 2, b'0');
    let plain = |number: i64| Number(number, 1, b'0');
    let year = i64::from(fields.tm_year) + 1900;
    let hour = fields.tm_hour;
    Some(match conversion {
        b'a' => Name(&DAYS, fields.tm_wday, 3),
        b'A' => Name(&DAYS, fields.tm_wday, usize::MAX),
        b'b' | b'h' => Name(&MONTHS, fields.tm_mon, 3),
        b'B' => Name(&MONTHS, fields.tm_mon, usize::MAX),
        b'c' => Format(b"%a %b %e %H:%M:%S %Y"),
        b'C' => plain(year.div_euclid(100)),
        b'd' => two(fields.tm_mday),
        b'D' | b'x' => Format(b"%m/%d/%y"),
        b'e' => Number(fields.tm_mday.into(), 2, b' '),
        b'F' => Format(b"%Y-%m-%d"),
        b'g' => two(iso_week(fields).0.rem_euclid(100) as c_int),
        b'G' => plain(iso_week(fields).0),
        b'H' => two(hour),
        b'I' => two((hour + 11).rem_euclid(12) + 1),
        b'j' => Number(i64::from(fields.tm_yday) + 1, 3, b'0'),
        b'm' => two(fields.tm_mon + 1),
        b'M' => two(fields.tm_min),
        b'n' => Text(b"\n"),
        b'p' => Text(if hour < 12 { b"AM" } else { b"PM" }),
        b'r' => Format(b"%I:%M:%S %p"),
        b'R' => Format(b"%H:%M"),
        b'S' => two(fields.tm_sec),
        b't' => Text(b"\t"),
        b'T' | b'X' => Format(b"%H:%M:%S"),
        b'u' => plain((i64::from(fields.tm_wday) + 6).rem_euclid(7) + 1),
        b'U' => two(week(fields, 0)),
        b'V' => two(iso_week(fields).1),
        b'w' => plain(fields.tm_wday.into()),
        b'W' => two(week(fields, 1)),
        b'y' => two(year.rem_euclid(100) as c_int),
        b'Y' => plain(year),
        b'z' => Offset(fields.tm_gmtoff),
        b'Z' if fields.tm_zone.is_null() => Text(b""),
        // SAFETY: a zone that is not null is a string, from gmtime or localtime.
        b'Z' => Text(unsafe { CStr::from_ptr(fields.tm_zone) }.to_bytes()),
        b'%' => Text(b"%"),
        _ => return None,
    })
}

/// Writes the conversions of `format`, with the text between them, in the C locale.
fn write(line: &mut Line, format: &[u8], fields: &Tm) {
    let mut rest = format;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            line.text(&[*first]);
            continue;
        }
        // The modifiers ask for another calendar or other digits, which the C locale does not have.
        if let [b'E' | b'O', tail @ ..] = rest {
            rest = tail;
        }
        let [conversion, tail @ ..] = rest else {
            return;
        };
        rest = tail;
        match item(*conversion, fields) {
            Some(Item::Number(number, width, fill)) => line.number(number, width, fill),
            Some(Item::Name(names, index, letters)) => line.name(names, index, letters),
            Some(Item::Offset(offset)) => line.offset(offset),
            Some(Item::Text(text)) => line.text(text),
            Some(Item::Format(format)) => write(line, format, fields),
            None => line.text(&[b'%', *conversion]),
        }
    }
}

/// Formats fields into `size` bytes, the last of them an end; returns the length, or 0 if it does
/// not fit.
#[cfg_attr(target_arch = "wasm32", unsafe(no_mangle))]
pub unsafe extern "C" fn strftime(text: *mut c_char, size: usize, format: *const c_char, fields: &Tm) -> usize {
    // SAFETY: the caller passes a string and vouches for `size` bytes.
    let (format, room) = unsafe { (CStr::from_ptr(format), slice::from_raw_parts_mut(text.cast::<u8>(), size)) };
    let mut line = Line { room, length: 0 };
    write(&mut line, format.to_bytes(), fields);
    let length = line.length;
    line.text(&[0]);
    if line.length <= size { length } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Random;
    use super::*;
    use std::string::String;

    /// The system's, whose `struct tm` has the same fields in the same order.
    mod system {
        use super::{Time, Tm};
        use core::ffi::c_char;
        unsafe extern "C" {
            pub fn gmtime_r(time: *const Time, fields: *mut Tm) -> *mut Tm;
            pub fn timegm(fields: *mut Tm) -> Time;
            pub fn strftime(text: *mut c_char, size: usize, format: *const c_char, fields: *const Tm) -> usize;
        }
    }

    /// A time of any magnitude, on either side of 1970, often at the turn of a year.
    fn random_time(random: &mut Random) -> Time {
        match random.below(4) {
            0 => day_number(random.below(12_000) as i64 - 2000, 0, random.below(9) as i64 - 3) * DAY - 1,
            1 => random.below(5_000_000_000).cast_signed(),
            _ => {
                let shift = random.below(64);
                random.bits().cast_signed() >> shift
            }
        }
    }

    fn their_fields(time: Time) -> Option<Tm> {
        let mut theirs = Tm::ZERO;
        // SAFETY: a time and a place for its fields.
        let place = unsafe { system::gmtime_r(&time, &mut theirs) };
        (!place.is_null()).then_some(theirs)
    }

    #[test]
    fn times_have_the_fields_that_the_system_gives_them() {
        let mut random = Random::new(10);
        for _ in 0..200_000 {
            let time = random_time(&mut random);
            let theirs = their_fields(time).map(|theirs| Tm { tm_zone: ptr::null(), ..theirs });
            assert_eq!(fields(time, 0), theirs, "{time}");
            let offset = random.below(86_400) as i32 - 43_200;
            if let (Some(ours), Some(theirs)) = (fields(time, offset), their_fields(time.saturating_add(offset.into())))
            {
                assert_eq!((ours.tm_mday, ours.tm_sec, ours.tm_yday), (theirs.tm_mday, theirs.tm_sec, theirs.tm_yday));
            }
        }
    }

    #[test]
    fn fields_out_of_range_are_counted_as_the_system_counts_them() {
        let mut random = Random::new(11);
        for _ in 0..200_000 {
            let mut field = || {
                let shift = random.below(31);
                (random.bits() as i32) >> shift
            };
            let mut given = Tm {
                tm_sec: field(),
                tm_min: field(),
                tm_hour: field(),
                tm_mday: field(),
                tm_mon: field(),
                tm_year: field(),
                ..Tm::ZERO
            };
            let ours = seconds(&given);
            // SAFETY: the address of fields.
            let theirs = unsafe { system::timegm(&mut given) };
            if fields(ours, 0).is_some() {
                assert_eq!(ours, theirs, "{given:?}");
            } else {
                assert_eq!(theirs, -1);
            }
        }
    }

    #[test]
    fn dates_are_written_as_the_system_writes_them() {
        let mut random = Random::new(12);
        let formats = [
            c"%a|%A|%b|%B|%c|%C|%d|%D|%e|%F|%g|%G",
            c"%h|%H|%I|%j|%m|%M|%n|%p|%r|%R|%S|%t|%T",
            c"%u|%U|%V|%w|%W|%x|%X|%y|%Y|%z|%Z|%%",
            c"%Ec|%EC|%Ex|%EX|%Ey|%EY|%Od|%Oe|%OH|%OI|%Om|%OM",
            c"%OS|%Ou|%OU|%OV|%Ow|%OW|%Oy",
        ];
        for _ in 0..60_000 {
            let time = random_time(&mut random);
            let Some(mut fields) = their_fields(time) else {
                continue;
            };
            fields.tm_gmtoff = (random.below(1440) as c_long - 720) * 60;
            for format in formats {
                let (mut ours, mut theirs) = ([0u8; 250], [0u8; 250]);
                // SAFETY: rooms of the size said, a string, and fields with a zone.
                let (length, expected) = unsafe {
                    (
                        strftime(ours.as_mut_ptr().cast(), 250, format.as_ptr(), &fields),
                        system::strftime(theirs.as_mut_ptr().cast(), 250, format.as_ptr(), &fields),
                    )
                };
                let text = |room: &[u8], length| String::from_utf8_lossy(&room[..length]).into_owned();
                assert_eq!(text(&ours, length), text(&theirs, expected), "{format:?} of {time}");
            }
        }
    }

    #[test]
    fn text_that_does_not_fit_is_not_written() {
        for (size, length) in [(0, 0), (4, 0), (5, 4), (9, 4)] {
            let mut room = [b'?'; 9];
            // SAFETY: at least `size` bytes and a string.
            let written = unsafe { strftime(room.as_mut_ptr().cast(), size, c"%Y".as_ptr(), &Tm::ZERO) };
            assert_eq!(written, length);
            assert!(room[size..].iter().all(|byte| *byte == b'?'));
        }
    }

    #[test]
    fn a_zone_is_named_by_its_offset() {
        for (offset, name) in [(0, "UTC"), (7200, "+02"), (-12_600, "-0330"), (20_700, "+0545")] {
            let text = zone_name(offset);
            assert_eq!(CStr::from_bytes_until_nul(&text).expect("an end").to_str(), Ok(name));
        }
    }

    #[test]
    fn seconds_are_rounded_down() {
        for (seconds, expected) in [(1.9, 1), (0.0, 0), (-0.1, -1), (-1.0, -1)] {
            assert_eq!(whole(seconds), expected);
        }
    }

    #[test]
    fn differences_do_not_overflow() {
        assert_eq!(difftime(i64::MAX, i64::MIN), 18_446_744_073_709_551_615.0);
        assert_eq!(difftime(1, 3), -2.0);
    }
}
