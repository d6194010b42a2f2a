//! Replays the events of a recording, one after the other.
//!
//! Each object that the recording numbers is bound, when it comes up, to the object that takes its place here; from then
//! on the number is that object, by address. It is given back where the suite let go of it, so that what dies there dies
//! here. What cannot be replayed is skipped, and *taints* the objects that the skipped call made or was called on: calls
//! that use those are skipped as well, as are calls on what a differing call should have made. So one difference is
//! counted once.

use crate::callback;
use crate::operation::{apply, call};
use crate::owned::{Owned, Raised};
use crate::recording::{Act, Event, Outcome};
use crate::report::{Difference, Report};
use crate::tables::{Slot, Tables, tuple};
use crate::value::Value;
use std::io::{self, BufRead};

/// Where the module comes from, and what happens between calls.
pub trait Host {
    /// A fresh module object; `load` counts from 0. An implementation that cannot load it again says why.
    fn load(&self, module: &str, load: usize) -> Result<Owned, String>;

    /// Before each event: a collection, a turn for another thread.
    fn between(&self) {}
}

/// One replay of one recording, on one thread.
///
/// Its thread is attached to the implementation, and has the lock that its C-API asks for, from `new` until it is
/// dropped, except inside [`Host::between`].
#[derive(Debug)]
pub struct Replayer<'h, H> {
    host: &'h H,
    tables: Tables,
    report: Report,
    test: String,
    line: usize,
}

const UNSURE: &str = "uses an object that a call made or changed that was skipped or differed";

impl<'h, H: Host> Replayer<'h, H> {
    /// A replay that has not begun.
    ///
    /// # Safety
    /// The calling thread is attached, and has the lock, as the type says.
    pub unsafe fn new(host: &'h H) -> Self {
        Replayer { host, tables: Tables::default(), report: Report::default(), test: String::new(), line: 0 }
    }

    /// Replays all lines, then lets go of everything.
    ///
    /// # Errors
    /// If the recording cannot be read.
    pub fn run(self, recording: impl BufRead) -> io::Result<Report> {
        self.run_first(recording, usize::MAX)
    }

    /// Replays this many lines, then lets go of everything.
    ///
    /// # Errors
    /// If the recording cannot be read.
    pub fn run_first(mut self, recording: impl BufRead, lines: usize) -> io::Result<Report> {
        for line in recording.lines().take(lines) {
            self.line += 1;
            let event = Event::parse(&line?).map_err(|what| {
                io::Error::new(io::ErrorKind::InvalidData, format!("line {} of the recording: {what}", self.line))
            })?;
            self.host.between();
            self.event(event);
        }
        Ok(self.report)
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Test(name) => {
                self.test = name;
                self.tables.lists.clear();
            }
            Event::Load { module, load } => match self.host.load(&module, load) {
                Ok(module) => {
                    self.tables.modules.resize_with(load, || None);
                    self.tables.modules.push(Some(module));
                }
                Err(why) => self.differ(format!("import {module}"), why),
            },
            Event::Drop(number) => {
                if let Some(Slot::Bound(object)) = self.tables.objects.remove(&number) {
                    self.tables.numbers.remove(&(object.as_ptr() as usize));
                }
            }
            Event::Act(act) => self.act(&act),
        }
    }

    fn act(&mut self, act: &Act) {
        if let Some(reason) = &act.skip {
            self.report.skip(reason);
            return self.taint(act);
        }
        let mut sure = true;
        let mut look = |number| sure &= !matches!(self.tables.objects.get(&number), Some(Slot::Tainted));
        act.receiver.iter().copied().for_each(&mut look);
        let keywords = act.keywords.iter().map(|(_, value)| value);
        act.args.iter().chain(keywords).chain(&act.callee).for_each(|value| value.objects(&mut look));
        if let Outcome::Returned(value) = &act.outcome {
            value.objects(&mut look);
        }
        if !sure {
            self.report.skip(UNSURE);
            return self.taint(act);
        }
        let differs = match self.perform(act) {
            Err(why) => Err(why),
            Ok(None) => {
                self.report.skip(&format!("operation {} is not replayed", act.op));
                return self.taint(act);
            }
            Ok(Some((outcome, notes))) => self.judge(act, outcome, notes),
        };
        crate::sequence::clear();
        match differs {
            Ok(()) => self.report.equal += 1,
            Err(what) => {
                self.taint(act);
                self.differ(shown(act), what);
            }
        }
    }

    /// What `act` did and could have changed is not known any more.
    fn taint(&mut self, act: &Act) {
        for (number, _) in &act.new {
            if !matches!(self.tables.objects.get(number), Some(Slot::Bound(_))) {
                self.tables.objects.insert(*number, Slot::Tainted);
            }
        }
        if matches!(act.outcome, Outcome::Raised { .. }) {
            return;
        }
        let mut changed = act.receiver;
        if let ("setitem" | "delitem" | "setattr" | "delattr" | "next", Some(Value::Object(number))) =
            (act.op.as_str(), act.args.first())
        {
            changed = Some(*number);
        }
        if let Some(number) = changed
            && let Some(Slot::Bound(object)) = self.tables.objects.insert(number, Slot::Tainted)
        {
            self.tables.numbers.remove(&(object.as_ptr() as usize));
        }
    }

    /// Does it. An error is about the arguments; none is an operation that is not known.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn perform(&mut self, act: &Act) -> Result<Option<(Result<Owned, Raised>, Vec<String>)>, String> {
        let unmade = |raised: Raised| format!("arguments cannot be made: {}: {}", raised.kind, raised.message);
        let tables = &mut self.tables;
        for (number, items) in &act.lists {
            tables.set_list(*number, items).map_err(unmade)?;
        }
        let args = act.args.iter().map(|arg| tables.make(arg)).collect::<Result<Vec<_>, _>>();
        // An attribute of the module that is not there is a result, not an argument.
        if act.op == "attr" {
            let result = args.map(|mut args| args.remove(0));
            return Ok(Some((result, vec![])));
        }
        let args = args.map_err(unmade)?;
        let (mut result, mut differs) = (None, vec![]);
        if matches!(act.op.as_str(), "call" | "method") {
            let keywords = (!act.keywords.is_empty()).then(|| tables.make_keywords(&act.keywords)).transpose();
            let keywords = keywords.map_err(unmade)?;
            let callee = match (act.receiver, &act.callee) {
                (Some(number), _) => tables.make(&Value::Object(number)).and_then(|object| object.attribute(&act.name)),
                (None, Some(callee)) => tables.make(callee),
                (None, None) => return Err("a call of nothing".into()),
            };
            let callee = callee.map_err(|raised| format!("{}: {}", raised.kind, raised.message))?;
            let row = tuple(&args).map_err(unmade)?;
            let run = || call(&callee, &row, keywords.as_ref());
            let (given, notes) = callback::expecting(&act.callbacks, tables, run);
            (result, differs) = (Some(given), notes);
        } else {
            let (given, notes) = callback::expecting(&act.callbacks, tables, || apply(&act.op, &args));
            if let Some(given) = given {
                (result, differs) = (Some(given), notes);
            }
        }
        let Some(result) = result else { return Ok(None) };
        if let Some(after) = &act.after {
            for (value, arg) in after.iter().zip(&args) {
                if let Err(what) = tables.same(value, arg) {
                    differs.push(format!("an argument afterwards: {what}"));
                }
            }
        }
        Ok(Some((result, differs)))
    }

    /// Compares what came with what was recorded.
    fn judge(&mut self, act: &Act, outcome: Result<Owned, Raised>, mut differs: Vec<String>) -> Result<(), String> {
        let compared = match (&act.outcome, &outcome) {
            (Outcome::Returned(value), Ok(got)) => match &act.by {
                Some(by) => {
                    let ordered = self.tables.in_order(got, by);
                    ordered.and_then(|got| self.tables.compare(value, &got, &act.new))
                }
                None => self.tables.compare(value, got, &act.new),
            },
            (Outcome::Returned(value), Err(raised)) => {
                Err(format!("{value} was expected: raised {}: {}", raised.kind, raised.message))
            }
            (Outcome::Raised { kind, message, .. }, Ok(got)) => {
                let message = message.as_deref().unwrap_or_default();
                Err(format!("{kind} was to be raised ({message}): {}", got.shown()))
            }
            (Outcome::Raised { kind, message, args }, Err(raised)) => {
                self.same_exception(kind, message.as_deref(), args.as_deref(), raised)
            }
        };
        differs.extend(compared.err());
        for change in &act.lists_after {
            differs.extend(self.tables.same_shared(change.list, change.length, &change.items).err());
        }
        if differs.is_empty() { Ok(()) } else { Err(differs.join("; ")) }
    }

    fn same_exception(
        &self,
        kind: &str,
        message: Option<&str>,
        args: Option<&[Value]>,
        raised: &Raised,
    ) -> Result<(), String> {
        let got = crate::tables::without_addresses(&raised.message);
        if raised.kind != kind || message.is_some_and(|message| message != got) {
            let message = message.unwrap_or_default();
            return Err(format!("{kind}: {message:?} was to be raised: {}: {got:?}", raised.kind));
        }
        match (args, &raised.args) {
            (Some(args), Some(got)) => self.tables.same(&Value::Tuple(args.to_vec()), got),
            (Some(_), None) => Err(format!("{kind} has no args")),
            (None, _) => Ok(()),
        }
    }

    fn differ(&mut self, call: String, what: String) {
        self.report.differ(Difference { line: self.line, test: self.test.clone(), call, what });
    }
}

/// A call for people.
fn shown(act: &Act) -> String {
    let mut args: Vec<_> = act.args.iter().map(ToString::to_string).collect();
    args.extend(act.keywords.iter().map(|(key, value)| format!("{key}={value}")));
    let args = args.join(", ");
    match (&act.callee, act.receiver) {
        (Some(callee), _) => format!("{callee}({args})"),
        (None, Some(number)) => format!("#{number}.{}({args})", act.name),
        (None, None) => format!("{}({args})", act.op),
    }
}
