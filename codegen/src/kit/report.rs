//! The exports of the kit: runs the tests and tells what became of them.

use super::assembler::{Code, Value, Width, Write};
use super::layout::{END, KEY, RECORD, RECORDS, STATE, Texts};
use super::promises::Promise;
use super::runtime::{Call, record, record_of};
use super::test::outcome;

/// An exported function.
pub struct Export {
    /// Its name.
    pub name: &'static str,
    /// How many numbers it takes.
    pub params: usize,
    /// Writes it.
    pub body: fn(&mut Code, &mut Report<'_>) -> Value,
}

/// What the exports tell of.
pub struct Report<'a> {
    /// All promises.
    pub promises: &'a [&'static Promise],
    /// The texts of the module.
    pub texts: &'a mut Texts,
}

/// All exported functions.
pub const EXPORTS: [Export; 12] = [
    Export { name: "run", params: 0, body: run },
    Export { name: "tested", params: 0, body: tested },
    Export { name: "passed", params: 0, body: |code, report| report.count(code, outcome::PASSED) },
    Export { name: "failed", params: 0, body: |code, report| report.count(code, outcome::FAILED) },
    Export { name: "not_offered", params: 0, body: |code, report| report.count(code, outcome::NOT_OFFERED) },
    Export { name: "not_judged", params: 0, body: |code, report| report.count(code, outcome::NOT_JUDGED) },
    Export { name: "promise_count", params: 0, body: |_, report| report.number_of_promises() },
    Export { name: "promise_outcome", params: 1, body: promise_outcome },
    Export { name: "promise_name", params: 1, body: |code, report| report.text_of(code, |promise| promise.name) },
    Export { name: "promise_text", params: 1, body: |code, report| report.text_of(code, |promise| promise.says) },
    Export { name: "promise_message", params: 1, body: promise_message },
    Export { name: "again", params: 0, body: again },
];

impl Report<'_> {
    fn number_of_promises(&self) -> Value {
        (self.promises.len() as u32).into()
    }

    /// Counts the promises of which one thing became.
    fn count(&self, code: &mut Code, outcome: u32) -> Value {
        let count = code.local(0);
        code.each(0, self.number_of_promises(), |code, number| {
            let has = (record_of(number) + record::OUTCOME).word().equals(outcome);
            code.assign(&count, count.clone() + has);
        });
        count
    }

    /// A text of the promise with the number of the parameter; the empty text if there is none.
    fn text_of(&mut self, code: &mut Code, text: fn(&Promise) -> &'static str) -> Value {
        for (number, promise) in self.promises.iter().enumerate() {
            let is_it = code.param(0).equals(number as u32);
            code.when(is_it, |code| code.answer(self.texts.place_counted(text(promise))));
        }
        self.texts.place_counted("").into()
    }
}

/// Tests what has not been tested. An import that does not return takes this function with it, so the record says in
/// advance what is true then.
fn run(code: &mut Code, report: &mut Report<'_>) -> Value {
    let lost = report.texts.place_counted("a call of the host trapped, or threw an exception through the module");
    for number in 0..report.promises.len() as u32 {
        let record = RECORDS + RECORD * number;
        code.when(Value::from(record).word().equals(outcome::UNTESTED), |code| {
            code.store(Width::Word, STATE, number);
            code.store(Width::Word, record + record::OUTCOME, outcome::FAILED);
            code.store(Width::Word, record + record::MESSAGE, lost);
            code.store(Width::Word, record + record::OUTCOME, Call::Promise(number).with([]));
        });
    }
    report.count(code, outcome::FAILED)
}

fn tested(code: &mut Code, report: &mut Report<'_>) -> Value {
    report.count(code, outcome::PASSED) + report.count(code, outcome::FAILED)
}

fn promise_outcome(code: &mut Code, _: &mut Report<'_>) -> Value {
    (record_of(code.param(0)) + record::OUTCOME).word()
}

fn promise_message(code: &mut Code, report: &mut Report<'_>) -> Value {
    let record = record_of(code.param(0));
    let record = code.local(record);
    let part = |part: u32| (record.clone() + part).word();
    let outcome = code.local(part(record::OUTCOME));
    let has_message = outcome.clone().equals(outcome::FAILED).or(outcome.equals(outcome::NOT_JUDGED));
    let nothing = report.texts.place_counted("");
    code.when(has_message.equals(0), |code| code.answer(nothing));
    Call::Describe.with([part(record::MESSAGE), part(record::GOT), part(record::EXPECTED), part(record::WHICH)])
}

/// A table that only [`again`] uses.
const TABLE_WITHIN: u32 = 99_999;

/// Uses the imports while another import runs, whose request and room this leaves alone.
fn again(code: &mut Code, report: &mut Report<'_>) -> Value {
    let (key, value) = (report.texts.place(b"within"), report.texts.place(b"a value"));
    let room = END - 0x100;
    let ok = code.local(1);
    let mut expect = |got: Value, expected: i32| {
        let both = ok.clone().and(got.equals(expected));
        code.assign(&ok, both);
    };
    let table = || Value::from(TABLE_WITHIN);
    let set = |value: u32, length: i32| Call::Set.with([table(), key.into(), 6.into(), value.into(), length.into()]);
    let get = || Call::Get.with([table(), key.into(), 6.into(), room.into(), 0x40.into()]);
    expect(set(value, 7), 0);
    expect(get(), 7);
    expect(Call::Unlike.with([room.into(), value.into(), 7.into()]), -1);
    expect(Call::Size.with([table()]), 1);
    expect(Call::Keys.with([table(), room.into(), 0x40.into()]), 6);
    expect(Call::Unlike.with([room.into(), key.into(), 6.into()]), -1);
    expect(Call::Delete.with([table(), key.into(), 6.into()]), 0);
    expect(get(), -1);
    expect(set(KEY, 0), 0);
    ok
}
