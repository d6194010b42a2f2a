//! Explicit-state model of handfast's protocols: heap operations of two mutators, their write barrier, publication, minor
//! collections, links with C references, weak loads, finalizers, attach and detach, and the on-the-fly global cycle.
//! Sequentially consistent (orderings are loom's business); one field per object; object 0 is a global root. See README.md
//! beside this file.
//!
//! Checked in every state: nothing reachable is freed, no object with C references is freed, no public object refers to a
//! private one, no mutator holds another's private object, no link outlives its object, no PyObject is queued or delivered twice or after it was freed, nothing is shaded once the cycle is
//! judged, no weak load has answered null for an object that lives, nothing young belongs to a mutator that left. Checked at
//! single steps: only unreachable objects are queued for their finalizer, lose their weak cell or their link. A state
//! without successor in which the cycle is not over, or a crossing waits, is a failure too.
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

#[derive(Default, Clone, Copy)]
struct Fx(u64);
impl Hasher for Fx {
    fn finish(&self) -> u64 { self.0 ^ (self.0 >> 29) }
    fn write(&mut self, b: &[u8]) {
        for c in b.chunks(8) {
            let mut v = [0u8; 8];
            v[..c.len()].copy_from_slice(c);
            self.0 = (self.0.rotate_left(5) ^ u64::from_le_bytes(v)).wrapping_mul(0x517cc1b727220a95);
        }
    }
    fn write_u8(&mut self, b: u8) { self.0 = (self.0.rotate_left(5) ^ b as u64).wrapping_mul(0x517cc1b727220a95); }
}
type Set = HashSet<[u8; SZ], BuildHasherDefault<Fx>>;
type Step = ((&'static str, u8), St);

const N: usize = 3; // objects; object 0 is the immortal public root object
const M: usize = if cfg!(three) { 3 } else { 2 }; // mutators; in walks the third allocates nothing
const R: usize = 2; // root slots each
const NONE: u8 = 7;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Ph { Idle, Armed, Scanned }
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Co { Idle, Arming, Snapshotting, LinkScan, Mark, Flush, Judge, Clear, Sweep, Disarm }
/// Where a mutator stands inside an operation. It serves no handshake there; in `Cross` it serves publish requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Pc {
    Run,     // between operations
    Barrier, // store: old value read
    Write,   // store: barrier done
    Cell,    // weak load: cell read
    Look,    // weak load: gate was not `marking`, so the answer depends on the mark
    Seen,    // weak load: the mark looked set
    Doubt,   // weak load: the mark was not set
    Open,    // weak load: the collector cannot judge before this mutator answers again
    Cross,   // crossing: waits until the owner has published
    Take,    // dead queue: one was seen, not yet taken; only for the fault that goes by it
    Leave,   // detach: minor done, record still there
    Assist,  // helps to mark: a grey object taken, not yet traced
}

// object flags
const LIVE: u8 = 1;
const YOUNG: u8 = 2;
const PUBLIC: u8 = 4;
const OWNER1: u8 = 8; // owner is mutator 1 (else 0)
const MARK: u8 = 16; // mark sense, compared with St::g
const REMEMBERED: u8 = 32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mu {
    ph: Ph,
    parity: u8,      // allocation colour, 0 or MARK
    acked: bool,     // acked current request
    gone: bool,      // detached: counts as having answered
    root: [u8; R],
    cref: u8,        // bitmask of objects to which it holds a counted C reference
    borrow: u8,      // bitmask of borrowed PyObject* it may incref inline
    got: u8,         // bitmask of PyObjects that it took out of the dead queue
    buf: u8,         // local grey buffer (bitmask)
    pc: Pc,
    src: u8, new: u8, old: u8, // of a store; of a weak load or crossing: target, root slot
    left: u8,       // heap operations left in this bounded run
}
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct St {
    fl: [u8; N],
    fd: [u8; N],
    weak: u8,       // bitmask: weak cell for object not cleared
    g: u8,          // global parity
    co: Co,
    idx: u8,        // link scan / judge / clear / sweep index
    grey: u8,       // global grey bitmask
    dirty: bool,    // this flush round is not clean: somebody helped to mark, or a weak load shaded
    link: u8,       // objects whose PyObject is linked
    tag: u8,        // links with the tag PRIVATE: whoever crosses asks the owner of the PyObject's page first
    page: u8,       // whose page the PyObject is on: mutator 1's, else 0's
    deadq: u8,      // PyObjects in the dead queue, by their former object
    gone: u8,       // history: freed while they were in the dead queue
    fin: u8,        // objects with a finalizer that has not been queued
    queue: u8,      // queued for their finalizer: a strong root until a mutator takes them
    cand: u8,       // finalizable objects found unmarked by this judging
    nulled: u8,     // history: a weak load has answered null for it
    cyc: u8,        // cycles done (bounded)
    mu: [Mu; M],
}
const SZ: usize = 2 * N + 16 + M * (10 + R);
impl St {
    fn pack(&self) -> [u8; SZ] {
        let mut b = [0u8; SZ];
        let mut k = 0;
        let mut p = |v: u8| { b[k] = v; k += 1; };
        for i in 0..N { p(self.fl[i]); p(self.fd[i]); }
        p(self.weak); p(self.g); p(self.co as u8); p(self.idx); p(self.grey); p(self.dirty as u8); p(self.cyc);
        p(self.link); p(self.tag); p(self.page); p(self.deadq); p(self.gone); p(self.fin); p(self.queue); p(self.cand); p(self.nulled);
        for m in &self.mu {
            p(m.ph as u8 | (m.acked as u8) << 2 | (m.gone as u8) << 3 | m.parity);
            for r in m.root { p(r); }
            p(m.cref); p(m.borrow); p(m.got); p(m.buf); p(m.pc as u8); p(m.src); p(m.new); p(m.old); p(m.left);
        }
        b
    }
    fn unpack(b: &[u8; SZ]) -> St {
        let mut k = 0;
        let mut r = || { let v = b[k]; k += 1; v };
        let mut s = init();
        for i in 0..N { s.fl[i] = r(); s.fd[i] = r(); }
        s.weak = r(); s.g = r(); s.co = co(r()); s.idx = r(); s.grey = r(); s.dirty = r() != 0; s.cyc = r();
        s.link = r(); s.tag = r(); s.page = r(); s.deadq = r(); s.gone = r(); s.fin = r(); s.queue = r(); s.cand = r(); s.nulled = r();
        for m in &mut s.mu {
            let v = r();
            m.ph = match v & 3 { 0 => Ph::Idle, 1 => Ph::Armed, _ => Ph::Scanned };
            m.acked = v & 4 != 0; m.gone = v & 8 != 0; m.parity = v & MARK;
            for x in &mut m.root { *x = r(); }
            m.cref = r(); m.borrow = r(); m.got = r(); m.buf = r(); m.pc = pc(r()); m.src = r(); m.new = r(); m.old = r(); m.left = r();
        }
        s
    }
    fn live(&self, o: u8) -> bool { self.fl[o as usize] & LIVE != 0 }
    fn young(&self, o: u8) -> bool { self.fl[o as usize] & YOUNG != 0 }
    fn public(&self, o: u8) -> bool { self.fl[o as usize] & PUBLIC != 0 }
    fn owner(&self, o: u8) -> usize { (self.fl[o as usize] & OWNER1 != 0) as usize }
    fn mine(&self, m: usize, o: u8) -> bool { !self.public(o) && self.owner(o) == m }
    fn marked(&self, o: u8) -> bool { self.fl[o as usize] & MARK == self.g }
    fn linked(&self, o: u8) -> bool { self.link >> o & 1 != 0 }
    fn tagged(&self, o: u8) -> bool { self.tag >> o & 1 != 0 }
    /// The owner of the page on which the PyObject of `o` is.
    fn page_owner(&self, o: u8) -> usize { (self.page >> o & 1) as usize }
    /// The PyObject of the object that was here before is in the dead queue, or with who took it out.
    fn busy(&self, o: u8) -> bool { self.deadq >> o & 1 != 0 || self.mu.iter().any(|m| m.got >> o & 1 != 0) }
    /// Mutator `m` links `o` to a PyObject on the page of mutator `page`. False if there is no memory for one.
    fn make_link(&mut self, m: usize, o: u8, page: usize) -> bool {
        if self.linked(o) { return true; }
        if self.busy(o) { return false; }
        if page != m && rule(Rule::PrivateOnOwnPage) { self.publish(m, o); }
        self.link |= 1 << o;
        self.page = self.page & !(1 << o) | (page as u8) << o;
        if !self.public(o) { self.tag |= 1 << o; }
        true
    }
    /// The pair of `o` dies: unlinked, into the dead queue, whose count the link's own becomes.
    fn end_pair(&mut self, o: u8) -> Result<(), String> {
        if self.busy(o) { return Err(format!("the PyObject of {o} is queued twice")); }
        self.deadq |= 1 << o;
        self.link &= !(1 << o); self.tag &= !(1 << o);
        Ok(())
    }
    /// Mutator `m` takes the PyObject of `o` out of the dead queue, and crosses back, to root `i`.
    fn take_dead(&mut self, m: usize, o: u8, i: usize) -> Result<(), String> {
        if self.deadq >> o & 1 == 0 { return Err(format!("the PyObject of {o} is delivered twice")); }
        if self.gone >> o & 1 != 0 { return Err(format!("the PyObject of {o} is delivered after it was freed")); }
        self.deadq &= !(1 << o);
        self.mu[m].got |= 1 << o;
        self.mu[m].root[i] = if self.linked(o) { o } else { NONE };
        Ok(())
    }
    fn next_dead(&mut self, m: usize, o: u8, i: usize) -> Result<(), String> {
        if rule(Rule::TakenOnce) { self.take_dead(m, o, i) } else { self.begin(m, Pc::Take, o, i); Ok(()) }
    }
    /// C finds the address of a queued PyObject in a table of its own, counts up and down.
    fn touch(&mut self, o: u8) {
        if self.deadq >> o & 1 != 0 && !rule(Rule::QueueHoldsCount) { self.gone |= 1 << o; }
    }
    fn dead(&self, o: u8) -> bool { self.live(o) && !self.young(o) && !self.marked(o) }
    fn refc(&self, o: u8) -> u32 { self.mu.iter().filter(|m| m.cref >> o & 1 != 0).count() as u32 }
    /// grey an old unmarked object into mutator m's local buffer
    fn shade(&mut self, m: usize, o: u8) {
        if o == NONE { return; }
        if self.young(o) || self.marked(o) { return; }
        self.set_mark(o);
        self.mu[m].buf |= 1 << o;
    }
    fn set_mark(&mut self, o: u8) { let g = self.g; let f = &mut self.fl[o as usize]; *f = *f & !MARK | g; }
    fn trace(&mut self, o: u8) {
        if !self.live(o) || self.young(o) { return; }
        self.set_mark(o);
        let c = self.fd[o as usize];
        if c != NONE && !self.young(c) && !self.marked(c) { self.set_mark(c); self.grey |= 1 << c; }
    }
    fn publish(&mut self, m: usize, o: u8) {
        let mut o = o;
        while o != NONE && !self.public(o) {
            assert!(self.owner(o) == m, "publish of another's private object");
            self.fl[o as usize] |= PUBLIC;
            self.fl[o as usize] &= !REMEMBERED;
            if rule(Rule::PublishClearsTag) { self.tag &= !(1 << o); }
            o = self.fd[o as usize];
        }
    }
    fn reach_all(&self) -> u8 {
        let mut w: u8 = 1 | self.queue; // object 0 and the finalizer queue
        for m in &self.mu {
            for r in m.root { if r != NONE { w |= 1 << r; } }
            w |= m.cref;
            if matches!(m.pc, Pc::Barrier | Pc::Write) { for x in [m.src, m.new] { if x != NONE { w |= 1 << x; } } }
        }
        loop {
            let mut n = w;
            for o in 0..N as u8 { if w >> o & 1 != 0 && self.fd[o as usize] != NONE { n |= 1 << self.fd[o as usize]; } }
            if n == w { return w; }
            w = n;
        }
    }
    fn free(&mut self, o: u8) -> Result<(), String> {
        if self.reach_all() >> o & 1 != 0 { return Err(format!("freed reachable object {o}")); }
        if self.refc(o) != 0 { return Err(format!("freed object {o} with C references")); }
        self.fl[o as usize] = 0; self.fd[o as usize] = NONE;
        for k in [&mut self.weak, &mut self.fin, &mut self.nulled] { *k &= !(1 << o); }
        for m in &mut self.mu { m.borrow &= !(1 << o); }
        Ok(())
    }
    /// thread-local minor collection of mutator m; `snap` = the snapshot handshake
    fn minor(&mut self, m: usize, snap: bool) -> Result<(), String> {
        let mut w: u8 = 0;
        let mut rootset: u8 = 0;
        let mu = self.mu[m];
        for r in mu.root { if r != NONE { rootset |= 1 << r; } }
        for o in 0..N as u8 {
            let f = self.fl[o as usize];
            if f & LIVE == 0 || !self.mine(m, o) { continue; }
            if f & YOUNG != 0 && self.linked(o) && self.refc(o) > 0 && rule(Rule::MinorLinkRoots) { rootset |= 1 << o; }
            if f & YOUNG != 0 && self.fin >> o & 1 != 0 { w |= 1 << o; } // kept for its finalizer, but no root of the cycle
            if f & YOUNG == 0 && f & REMEMBERED != 0 && self.fd[o as usize] != NONE { w |= 1 << self.fd[o as usize]; }
        }
        w |= rootset;
        loop {
            let mut n = w;
            for o in 0..N as u8 {
                if w >> o & 1 != 0 && self.young(o) && self.mine(m, o) && self.fd[o as usize] != NONE { n |= 1 << self.fd[o as usize]; }
            }
            if n == w { break; }
            w = n;
        }
        let phase = mu.ph;
        let mut born = 0; // promoted by moving
        for o in 1..N as u8 {
            let i = o as usize;
            if self.fl[i] & LIVE == 0 || self.owner(o) != m { continue; }
            if self.fl[i] & YOUNG != 0 {
                if self.public(o) {
                    // in-place promotion of a published object
                    self.fl[i] &= !YOUNG;
                    self.fl[i] = self.fl[i] & !MARK | mu.parity;
                    if phase == Ph::Armed && rule(Rule::InPlaceShades) { self.shade(m, o); }
                } else if w >> o & 1 != 0 {
                    self.fl[i] &= !YOUNG;
                    self.fl[i] = self.fl[i] & !MARK | mu.parity;
                    born |= 1 << o;
                } else {
                    if self.linked(o) && rule(Rule::MinorEndsLinks) { self.end_pair(o)?; }
                    self.free(o)?;
                }
            }
            self.fl[i] &= !REMEMBERED;
        }
        // any mutator may run a finalizer: its object is public once it is old
        for o in 1..N as u8 { if (born & self.fin) >> o & 1 != 0 && rule(Rule::FinalizablePublic) { self.publish(m, o); } }
        if snap { for o in 0..N as u8 { if rootset >> o & 1 != 0 { self.shade(m, o); } } }
        Ok(())
    }
    fn check(&self) -> Result<(), String> {
        let reach = self.reach_all();
        for o in 0..N as u8 {
            if reach >> o & 1 != 0 && !self.live(o) { return Err(format!("dangling reference to {o}")); }
            if reach >> o & 1 != 0 && self.public(o) {
                let t = self.fd[o as usize];
                if t != NONE && !self.public(t) { return Err(format!("public {o} -> private {t}")); }
            }
        }
        if self.link != 0 { for o in 0..N as u8 { if self.linked(o) && !self.live(o) { return Err(format!("the link of {o} outlives it")); } } }
        if reach & self.nulled != 0 { return Err(format!("a weak load answered null for an object that lives ({:b})", self.nulled)); }
        let judged = matches!(self.co, Co::Clear | Co::Sweep | Co::Disarm);
        if judged && self.grey != 0 { return Err("grey after the cycle was judged".into()); }
        for (i, m) in self.mu.iter().enumerate() {
            if judged && m.buf != 0 { return Err(format!("mutator {i} shaded after the cycle was judged")); }
            if m.gone { for o in 1..N as u8 { if self.live(o) && self.young(o) && self.owner(o) == i { return Err(format!("young {o} of a mutator that left")); } } }
            for r in m.root { if r != NONE && !self.public(r) && self.owner(r) != i { return Err(format!("mutator {i} holds private {r} of another")); } }
        }
        Ok(())
    }
    /// No step is left: then the cycles must be over, and nobody may wait in a crossing.
    fn stuck(&self) -> Result<(), String> {
        if self.co != Co::Idle { return Err(format!("stuck in {:?}", self.co)); }
        if self.mu.iter().any(|m| m.pc != Pc::Run) { return Err("a mutator waits for ever".into()); }
        Ok(())
    }
    fn alloc(&mut self, m: usize, i: usize, fin: bool) -> bool {
        let Some(o) = (1..N as u8).find(|&o| !self.live(o)) else { return false };
        self.fl[o as usize] = LIVE | YOUNG | if m == 1 { OWNER1 } else { 0 };
        self.fd[o as usize] = NONE;
        // a new cell; not while another mutator still reads the cell of the object that was here before
        if !self.mu.iter().any(|q| matches!(q.pc, Pc::Cell | Pc::Look | Pc::Seen | Pc::Doubt | Pc::Open) && q.src == o) { self.weak |= 1 << o; }
        if fin { self.fin |= 1 << o; }
        self.mu[m].root[i] = o;
        true
    }
    /// Starts an operation of several steps on `o`, whose answer goes to root `i`.
    fn begin(&mut self, m: usize, pc: Pc, o: u8, i: usize) {
        let q = &mut self.mu[m];
        q.pc = pc; q.src = o; q.new = i as u8;
        if !rule(Rule::WeakGateFirst) && pc == Pc::Cell && q.ph != Ph::Idle { self.shade(m, o); }
    }
    fn end(&mut self, m: usize, answer: u8) {
        let q = &mut self.mu[m];
        q.root[q.new as usize] = answer;
        q.pc = Pc::Run; q.src = NONE; q.new = NONE; q.old = NONE;
    }
    /// From C into the heap; `m` has a C reference. Another's private object is published by its owner first.
    fn to_obj(&mut self, m: usize, o: u8, i: usize) {
        if self.tagged(o) && self.page_owner(o) != m && rule(Rule::CrossingAsks) { self.begin(m, Pc::Cross, o, i); return; }
        self.crossed(m, o);
        self.mu[m].root[i] = o;
    }
    /// The crossing barrier. Like a weak load it dirties a flush round (only broken contracts need that).
    fn crossed(&mut self, m: usize, o: u8) {
        if self.mu[m].ph == Ph::Idle || !rule(Rule::CrossingShades) { return; }
        if self.dead(o) && matches!(self.co, Co::Flush | Co::Judge) && rule(Rule::CrossingDirties) { self.dirty = true; }
        self.shade(m, o);
    }
    /// A mutator takes `o` from the finalizer queue: it overwrites a global root, so it shades.
    fn take_queued(&mut self, m: usize, o: u8, i: usize) {
        self.queue &= !(1 << o);
        if self.mu[m].ph != Ph::Idle && rule(Rule::TakeShades) { self.shade(m, o); }
        self.mu[m].root[i] = o;
    }
    /// First half of detach: roots are dropped, the nursery is emptied, what C holds of the private objects is published.
    fn leave(&mut self, m: usize) -> Result<(), String> {
        let q = &mut self.mu[m];
        q.root = [NONE; R]; q.borrow = 0; q.pc = Pc::Leave;
        if rule(Rule::LeaveMinor) { self.minor(m, false)?; }
        for o in 1..N as u8 {
            if self.live(o) && self.mine(m, o) && self.linked(o) && rule(Rule::LeavePublishes) { self.publish(m, o); }
        }
        Ok(())
    }
    /// Second half: the buffer is handed over, the record goes; the C references it held live on in C's data.
    fn left(&mut self, m: usize) {
        let q = self.mu[m];
        if rule(Rule::LeaveBuffer) { self.grey |= q.buf; }
        self.mu[m] = Mu { gone: true, left: q.left, ..init().mu[0] };
        let heir = (1..M).map(|k| (m + k) % M).find(|&n| !self.mu[n].gone).unwrap_or(m);
        self.mu[heir].cref |= q.cref;
        self.mu[heir].got |= q.got;
    }
    /// A new mutator adopts the phase that the collector is asking for.
    fn attach(&mut self, m: usize) {
        let ph = if !rule(Rule::AttachPhase) { Ph::Idle } else { match self.co { Co::Idle | Co::Disarm => Ph::Idle, Co::Sweep if opt().disarm_first => Ph::Idle, Co::Arming => Ph::Armed, _ => Ph::Scanned } };
        let old = ph == Ph::Armed;
        let q = &mut self.mu[m];
        q.gone = false; q.acked = true; q.ph = ph; q.parity = if old { self.g ^ MARK } else { self.g };
    }
    /// The gate of weak loads: closed once the cycle is judged.
    fn closed(&self) -> bool { matches!(self.co, Co::Clear | Co::Sweep | Co::Disarm) || !rule(Rule::GateAfterJudging) && self.co == Co::Judge }
    /// The next step of a mutator that is inside an operation; `None` while it waits.
    fn inside(&self, m: usize) -> Result<Option<Step>, String> {
        let mu = self.mu[m];
        let mut t = *self;
        let (src, new, old) = (mu.src, mu.new, mu.old);
        let cycle = mu.ph != Ph::Idle;
        let exchange = src != NONE && t.public(src) && rule(Rule::Exchange) && (mu.ph == Ph::Armed || rule(Rule::ExchangeScanned));
        let label = match mu.pc {
            Pc::Run => return Ok(None),
            Pc::Barrier => {
                let tracked = t.public(src) || !t.young(src);
                if tracked {
                    if cycle && rule(Rule::Deletion) && !exchange { t.shade(m, old); }
                    if mu.ph == Ph::Armed && rule(Rule::Insertion) { t.shade(m, new); }
                    if new != NONE && !t.public(new) {
                        if t.public(src) { t.publish(m, new); }
                        else if t.young(new) { t.fl[src as usize] |= REMEMBERED; }
                    }
                }
                t.mu[m].pc = Pc::Write;
                "barrier"
            }
            Pc::Write => {
                let over = t.fd[src as usize];
                if cycle && exchange && rule(Rule::Deletion) { t.shade(m, over); } // shade what was really overwritten
                t.fd[src as usize] = new;
                let q = &mut t.mu[m];
                q.pc = Pc::Run; q.src = NONE; q.new = NONE; q.old = NONE;
                "write"
            }
            // a weak load: (1) cell, (2) gate; if that is not `marking`: (3) mark; set: (4) cell again; not set: (4) gate again, in
            // one step with making the round dirty; last, shade and answer. A closed gate stays closed until all are disarmed.
            Pc::Cell => {
                let marking = !matches!(self.co, Co::Flush | Co::Judge | Co::Clear | Co::Sweep | Co::Disarm);
                t.mu[m].pc = if mu.ph != Ph::Scanned || marking { Pc::Open } else { Pc::Look };
                if self.closed() { t.mu[m].old = 0; } // only for the fault that goes by it
                "weak: gate"
            }
            Pc::Look => {
                if !(self.young(src) || self.marked(src)) { t.mu[m].pc = Pc::Doubt; }
                else if rule(Rule::WeakCellAgain) { t.mu[m].pc = Pc::Seen; }
                else { t.end(m, src); }
                "weak: mark"
            }
            Pc::Seen => { t.end(m, if self.weak >> src & 1 != 0 { src } else { NONE }); "weak: cell again" }
            Pc::Doubt => {
                let closed = if rule(Rule::WeakDirtiesAtomic) { self.closed() } else { old == 0 };
                if closed && rule(Rule::WeakGate) {
                    if self.live(src) && self.weak >> src & 1 != 0 { t.nulled |= 1 << src; }
                    t.end(m, NONE);
                } else {
                    if matches!(self.co, Co::Flush | Co::Judge) && rule(Rule::WeakDirties) { t.dirty = true; }
                    t.mu[m].pc = Pc::Open;
                }
                "weak: gate again"
            }
            Pc::Open => { if cycle { t.shade(m, src); } t.end(m, src); "weak: shade" }
            Pc::Cross => {
                if self.tagged(src) {
                    if self.mu[self.page_owner(src)].gone { return Err(format!("crossing to private {src}, whose owner has left")); }
                    return Ok(None);
                }
                t.crossed(m, src);
                t.end(m, src);
                "crossing ends"
            }
            Pc::Take => { t.take_dead(m, src, new as usize)?; let i = new as usize; let answer = t.mu[m].root[i]; t.end(m, answer); "dead queue: taken" }
            Pc::Leave => { t.left(m); "left" }
            Pc::Assist => {
                t.trace(src);
                // others may have answered the round while this object was neither grey nor traced
                if self.co == Co::Flush && rule(Rule::AssistDirties) { t.dirty = true; }
                let q = &mut t.mu[m];
                q.pc = Pc::Run; q.src = NONE;
                "assist: traced"
            }
        };
        Ok(Some(((label, m as u8), t)))
    }
}
fn pc(v: u8) -> Pc { use Pc::*; [Run, Barrier, Write, Cell, Look, Seen, Doubt, Open, Cross, Take, Leave, Assist][v as usize] }
fn co(v: u8) -> Co { use Co::*; [Idle, Arming, Snapshotting, LinkScan, Mark, Flush, Judge, Clear, Sweep, Disarm][v as usize] }
fn init() -> St {
    let m = Mu { ph: Ph::Idle, parity: 0, acked: false, gone: false, root: [NONE; R], cref: 0, borrow: 0, got: 0, buf: 0, pc: Pc::Run, src: NONE, new: NONE, old: NONE, left: 255 };
    let mut s = St { fl: [0; N], fd: [NONE; N], weak: 0, g: 0, co: Co::Idle, idx: 0, grey: 0, dirty: false, link: 0, tag: 0, page: 0, deadq: 0, gone: 0, fin: 0, queue: 0, cand: 0, nulled: 0, cyc: 0, mu: [m; M] };
    s.fl[0] = LIVE | PUBLIC;
    s
}
/// What the command line asks for.
#[derive(Default)]
struct Opt { fault: Option<Rule>, cycles: u8, weak: bool, c: bool, fin: bool, detach: bool, disarm_first: bool }
static OPT: OnceLock<Opt> = OnceLock::new();
fn opt() -> &'static Opt { OPT.get().expect("set by main") }
/// The programs that the mutators run; without any they do what they like.
static PROGRAMS: AtomicPtr<Litmus> = AtomicPtr::new(std::ptr::null_mut());
fn litmus() -> Option<&'static Litmus> {
    // SAFETY: null, or set by `run` to one that is never freed.
    unsafe { PROGRAMS.load(Relaxed).as_ref() }
}
fn run(l: Litmus) { PROGRAMS.store(Box::leak(Box::new(l)), Relaxed); }
/// Whether this rule is kept.
fn rule(r: Rule) -> bool { opt().fault != Some(r) }

/// All steps from `s`.
fn succ(s: &St, out: &mut Vec<Step>) -> Result<(), String> {
    for m in 0..M { mutator(s, m, out)?; }
    collector(s, out)
}
/// What mutator `m` may do: serve requests, go on inside an operation, collect its nursery, or begin an operation.
fn mutator(s: &St, m: usize, out: &mut Vec<Step>) -> Result<(), String> {
    let mu = s.mu[m];
    if mu.gone {
        let mut t = *s;
        if let Some(l) = litmus() {
            if !matches!(l.next(m, &mu), Some(Attach)) { return Ok(()); }
            t.mu[m].left += 1;
        } else if mu.left == 0 { return Ok(()); } else { t.mu[m].left -= 1; }
        t.attach(m);
        out.push((("attach", m as u8), t));
        return Ok(());
    }
    // publish what another waits for in a crossing: between operations, and while waiting in a crossing itself
    if mu.pc == Pc::Run || mu.pc == Pc::Cross && rule(Rule::CrossingServes) || mu.pc == Pc::Write && !rule(Rule::NoPublishInStore) {
        for q in s.mu {
            if q.pc == Pc::Cross && s.tagged(q.src) && s.page_owner(q.src) == m && s.mine(m, q.src) { let mut t = *s; t.publish(m, q.src); out.push((("publish request served", m as u8), t)); }
        }
    }
    // acknowledge a request
    if !mu.acked && (mu.pc == Pc::Run || !rule(Rule::NoHandshakeInside) && !matches!(mu.pc, Pc::Cross | Pc::Leave)) {
        let mut t = *s;
        let mut ok = true;
        match s.co {
            Co::Arming => t.mu[m].ph = Ph::Armed,
            Co::Snapshotting => { t.minor(m, true)?; t.mu[m].ph = Ph::Scanned; t.mu[m].parity = t.g; }
            Co::Flush => { t.grey |= t.mu[m].buf; t.mu[m].buf = 0; }
            Co::Disarm => { t.mu[m].ph = Ph::Idle; }
            _ => ok = false,
        }
        if ok { t.mu[m].acked = true; out.push((("ack", m as u8), t)); }
    }
    if mu.pc != Pc::Run { out.extend(s.inside(m)?); return Ok(()); }
    // local minor collection
    if (1..N as u8).any(|o| s.live(o) && s.young(o) && s.owner(o) == m) {
        let mut t = *s; t.minor(m, false)?; out.push((("minor", m as u8), t));
    }
    // a full buffer is handed over at any time, also while a flush round is on that this mutator has not answered
    if mu.buf != 0 && matches!(s.co, Co::Snapshotting | Co::LinkScan | Co::Mark | Co::Flush) { let mut t = *s; t.grey |= mu.buf; t.mu[m].buf = 0; out.push((("flush", m as u8), t)); }
    // a mutator that outruns the collector helps to mark
    if mu.ph == Ph::Scanned && s.grey != 0 && matches!(s.co, Co::Mark | Co::Flush) {
        let o = s.grey.trailing_zeros() as u8;
        let mut t = *s; t.grey &= !(1 << o); t.mu[m].pc = Pc::Assist; t.mu[m].src = o;
        // it may have answered this round, which then could end before the object is traced
        if s.co == Co::Flush && rule(Rule::AssistAnnounces) { t.dirty = true; }
        out.push((("assist: taken", m as u8), t));
    }
    match litmus() {
        Some(l) => litmus_step(s, m, l, out),
        None => any_op(s, m, out),
    }
}
/// Every operation that `m` could begin.
fn any_op(s: &St, m: usize, out: &mut Vec<Step>) -> Result<(), String> {
    let mu = s.mu[m];
    let base = out.len();
    if mu.left == 0 { return Ok(()); }
    for i in 0..R {
        // alloc
        for fin in [false, true] {
            let mut t = *s;
            if m < 2 && (!fin || opt().fin) && t.alloc(m, i, fin) { out.push((("alloc", m as u8), t)); }
        }
        // drop, load the root object
        if mu.root[i] != NONE { let mut t = *s; t.mu[m].root[i] = NONE; out.push((("drop root <i>", m as u8), t)); }
        if mu.root[i] != 0 { let mut t = *s; t.mu[m].root[i] = 0; out.push((("root <i> = global", m as u8), t)); }
        for j in 0..R {
            let c = mu.root[j];
            if c == NONE { continue; }
            // load
            if s.fd[c as usize] != NONE { let mut t = *s; t.mu[m].root[i] = s.fd[c as usize]; out.push((("root <i> = <c>.f", m as u8), t)); }
            // store
            let mut t = *s;
            let q = &mut t.mu[m];
            q.pc = Pc::Barrier; q.src = c; q.new = mu.root[i]; q.old = s.fd[c as usize];
            out.push((("store <c>.f = <> (old latched)", m as u8), t));
        }
        // weak load
        if opt().weak {
            for o in 1..N as u8 {
                if s.weak >> o & 1 == 0 || !s.live(o) || !(s.public(o) || s.mine(m, o)) { continue; }
                let mut t = *s; t.begin(m, Pc::Cell, o, i);
                out.push((("weak: cell", m as u8), t));
            }
        }
        // finalizers
        for o in 1..N as u8 { if s.queue >> o & 1 != 0 { let mut t = *s; t.take_queued(m, o, i); out.push((("finalizer", m as u8), t)); } }
        // C side
        if opt().c {
            let o = mu.root[i];
            if o != NONE && o != 0 && mu.cref >> o & 1 == 0 { // from_obj -> new C reference
                let mut t = *s;
                if t.make_link(m, o, m) { t.mu[m].cref |= 1 << o; out.push((("from_obj <o>", m as u8), t)); }
                let mut t = *s;
                if !s.linked(o) && t.make_link(m, o, 1 - m.min(1)) { t.mu[m].cref |= 1 << o; out.push((("link <o> on the other's page", m as u8), t)); }
            }
            for o in 1..N as u8 {
                if mu.cref >> o & 1 != 0 { // to_obj
                    let mut t = *s;
                    t.to_obj(m, o, i);
                    if t != *s { out.push((("to_obj <o>", m as u8), t)); }
                }
            }
        }
    }
    if opt().c {
        for o in 1..N as u8 {
            if mu.cref >> o & 1 != 0 {
                let mut t = *s; t.mu[m].cref &= !(1 << o); out.push((("decref <o>", m as u8), t));
                let n = (m + 1) % M;
                if !s.mu[n].gone && s.mu[n].cref >> o & 1 == 0 {
                    let mut t = *s; t.mu[m].cref &= !(1 << o); t.mu[n].cref |= 1 << o;
                    out.push((("hands C ref <o> to m<>", m as u8), t));
                }
                // borrow: the container's field, as a PyObject* without a count
                let p = s.fd[o as usize];
                if p != NONE && p != 0 && mu.borrow >> p & 1 == 0 && (s.public(o) || s.mine(m, o)) && (s.public(p) || s.mine(m, p)) {
                    let mut t = *s;
                    if t.make_link(m, p, m) { t.mu[m].borrow |= 1 << p; out.push((("borrow <p> from <o>", m as u8), t)); }
                }
            }
            if s.deadq >> o & 1 != 0 {
                let mut t = *s; t.next_dead(m, o, 1)?; out.push((("next_dead", m as u8), t));
                let mut t = *s; t.touch(o); if t != *s { out.push((("C counts <o> up and down", m as u8), t)); }
            }
            if mu.got >> o & 1 != 0 { let mut t = *s; t.mu[m].got &= !(1 << o); out.push((("the dead <o> is freed", m as u8), t)); }
            // inline incref of a borrowed pointer that is still legitimately alive
            if mu.borrow >> o & 1 != 0 && mu.cref >> o & 1 == 0 && s.reach_all() >> o & 1 != 0 {
                let mut t = *s; t.mu[m].cref |= 1 << o; t.mu[m].borrow &= !(1 << o);
                out.push((("inline incref <o>", m as u8), t));
            }
        }
    }
    if opt().detach { let mut t = *s; t.leave(m)?; out.push((("detach", m as u8), t)); }
    for (_, t) in &mut out[base..] { t.mu[m].left = mu.left.saturating_sub(if mu.left == 255 { 0 } else { 1 }); }
    Ok(())
}
/// The collector's next step, if it waits for nobody.
fn collector(s: &St, out: &mut Vec<Step>) -> Result<(), String> {
    let max_cyc = litmus().map_or(opt().cycles, |l| l.cycles.max(opt().cycles));
    let all = s.mu.iter().all(|m| m.acked || m.gone);
    let mut t = *s;
    let mut go = true;
    let next = |t: &mut St, c: Co| { t.co = c; t.idx = 0; for m in &mut t.mu { m.acked = false; } };
    let over = |t: &mut St| { t.cyc += 1; next(t, Co::Idle); };
    match s.co {
        Co::Idle => if s.cyc < max_cyc { t.g ^= MARK; next(&mut t, Co::Arming); } else { go = false },
        Co::Arming => if all { next(&mut t, Co::Snapshotting) } else { go = false },
        Co::Snapshotting => if all { next(&mut t, Co::LinkScan) } else if !rule(Rule::MarkAfterScan) && t.idx == 0 {
            // root scan and marking of what is grey, early
            t.idx = 1;
            for o in 0..N as u8 {
                let root = o == 0 || (s.linked(o) && s.refc(o) > 0);
                if root && !s.young(o) && !s.marked(o) { t.set_mark(o); t.grey |= 1 << o; }
            }
            while t.grey != 0 {
                let o = t.grey.trailing_zeros() as u8; t.grey &= !(1 << o);
                let c = t.fd[o as usize];
                if c != NONE && !t.young(c) && !t.marked(c) { t.set_mark(c); t.grey |= 1 << c; }
            }
        } else { go = false },
        Co::LinkScan => {
            let o = s.idx;
            if o as usize == N { next(&mut t, Co::Mark); }
            else {
                t.idx += 1;
                let root = o == 0 || (s.linked(o) && s.refc(o) > 0);
                if root && !s.young(o) && !s.marked(o) { t.set_mark(o); t.grey |= 1 << o; }
            }
        }
        Co::Mark => {
            if s.grey == 0 {
                // the finalizer queue is a strong root
                if let Some(o) = (1..N as u8).find(|&o| s.queue >> o & 1 != 0 && s.dead(o) && rule(Rule::QueueIsRoot)) { t.set_mark(o); t.grey |= 1 << o; }
                else { t.dirty = false; next(&mut t, Co::Flush); }
            } else {
                let o = s.grey.trailing_zeros() as u8;
                t.grey &= !(1 << o);
                t.trace(o);
            }
        }
        Co::Flush => if all { next(&mut t, if s.dirty || s.grey != 0 { Co::Mark } else { Co::Judge }) } else { go = false },
        Co::Judge => {
            // Weak loads may still dirty the round. Candidates only count if it is clean at the end, decided in one step.
            let o = s.idx;
            if (o as usize) < N {
                t.idx += 1;
                if s.dead(o) && s.linked(o) && s.refc(o) > 0 && rule(Rule::JudgeLinks) {
                    if !litmus().is_some_and(|l| l.breaks_contract()) { return Err(format!("judging finds {o} unmarked, but C holds it")); }
                    t.set_mark(o); t.grey |= 1 << o; t.dirty = true;
                } else if s.dead(o) && s.fin >> o & 1 != 0 { t.cand |= 1 << o; }
            } else if !rule(Rule::JudgeAtomic) && o as usize == N && !s.dirty { t.idx += 1; }
            else {
                t.cand = 0;
                let clean = !s.dirty || o as usize > N;
                if clean && s.cand == 0 { next(&mut t, Co::Clear); }
                else {
                    if clean || !rule(Rule::CandidatesOnlyIfClean) {
                        if s.cand & s.reach_all() != 0 { return Err(format!("a reachable object is queued for its finalizer ({:b})", s.cand)); }
                        t.queue |= s.cand; t.fin &= !s.cand;
                    }
                    next(&mut t, Co::Mark);
                }
            }
        }
        Co::Clear => {
            // weak cells and links of the dead, in one pass, before any of their memory is used again
            let o = s.idx;
            if o as usize == N { next(&mut t, if opt().disarm_first { Co::Disarm } else { Co::Sweep }); }
            else {
                t.idx += 1;
                if s.dead(o) {
                    if s.reach_all() >> o & 1 != 0 { return Err(format!("weak cell of {o} is cleared, but it is reachable")); }
                    if s.linked(o) && s.refc(o) != 0 { return Err(format!("the link of {o} dies, but C holds it")); }
                    t.weak &= !(1 << o);
                    if s.linked(o) && rule(Rule::LinksBeforeSweep) {
                        t.end_pair(o)?;
                        if !rule(Rule::UnlinkBeforeQueue) { t.link |= 1 << o; }
                    }
                }
            }
        }
        Co::Sweep => {
            let o = s.idx;
            if o as usize == N { if opt().disarm_first { over(&mut t) } else { next(&mut t, Co::Disarm) } }
            else { t.idx += 1; if s.dead(o) { t.free(o)?; if !rule(Rule::UnlinkBeforeQueue) { t.link &= !(1 << o); } } }
        }
        Co::Disarm => if all { if opt().disarm_first { next(&mut t, Co::Sweep) } else { over(&mut t) } } else { go = false },
    }
    if go { out.push((("collector", 9), t)); }
    Ok(())
}

/// A rule of the design that `--fault` can leave out, to see that the model notices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Deletion, Insertion, InPlaceShades, MarkAfterScan, WeakDirties, CrossingShades, Exchange, WeakGate, QueueIsRoot,
    WeakCellAgain, TakeShades, FinalizablePublic, CandidatesOnlyIfClean, GateAfterJudging, LeaveBuffer, LeavePublishes,
    LeaveMinor, AttachPhase, JudgeLinks, CrossingAsks, CrossingServes, MinorLinkRoots, JudgeAtomic, LinksBeforeSweep,
    CrossingDirties, WeakGateFirst, NoPublishInStore, NoHandshakeInside, WeakDirtiesAtomic, AssistDirties, AssistAnnounces,
    UnlinkBeforeQueue, TakenOnce, QueueHoldsCount, MinorEndsLinks, PrivateOnOwnPage, PublishClearsTag, ExchangeScanned,
}
/// Each rule, and what happens without it. Fault `k` leaves out the rule at `k - 1`.
const RULES: [(Rule, &str); 38] = [
    (Rule::Deletion, "no deletion barrier"),
    (Rule::Insertion, "no insertion barrier while armed"),
    (Rule::InPlaceShades, "in-place promotion while armed does not shade"),
    (Rule::MarkAfterScan, "marking begins before every mutator is scanned"),
    (Rule::WeakDirties, "a weak load in a flush round does not dirty it"),
    (Rule::CrossingShades, "to_obj does not shade"),
    (Rule::Exchange, "a store to a public field shades the value read earlier, not the one it overwrote"),
    (Rule::WeakGate, "a weak load answers an unmarked object after the gate is closed"),
    (Rule::QueueIsRoot, "the finalizer queue is not a root"),
    (Rule::WeakCellAgain, "a weak load that sees a mark in or after a flush round does not read its cell again"),
    (Rule::TakeShades, "taking an object from the finalizer queue does not shade it"),
    (Rule::FinalizablePublic, "a finalizable object stays private when it is promoted"),
    (Rule::CandidatesOnlyIfClean, "candidates for finalization are queued though the round became dirty"),
    (Rule::GateAfterJudging, "the gate closes before finalizable objects are judged"),
    (Rule::LeaveBuffer, "a mutator that leaves loses its buffer"),
    (Rule::LeavePublishes, "a mutator that leaves does not publish what C holds"),
    (Rule::LeaveMinor, "a mutator that leaves does not empty its nursery"),
    (Rule::AttachPhase, "a mutator that attaches during a cycle starts idle"),
    (Rule::JudgeLinks, "judging does not look at the counts of links"),
    (Rule::CrossingAsks, "a crossing takes another's private object without asking"),
    (Rule::CrossingServes, "a mutator that waits in a crossing serves no publish request"),
    (Rule::MinorLinkRoots, "C references to private young objects are no roots of a minor"),
    (Rule::JudgeAtomic, "the round is judged by what dirty was a moment ago"),
    (Rule::LinksBeforeSweep, "links of dead objects stay until after the sweep"),
    (Rule::CrossingDirties, "a crossing in a flush round does not dirty it"),
    (Rule::WeakGateFirst, "a weak load shades before it looks at the gate"),
    (Rule::NoPublishInStore, "a publish request is served in the middle of a store"),
    (Rule::NoHandshakeInside, "a handshake is served in the middle of an operation"),
    (Rule::WeakDirtiesAtomic, "a weak load goes by the gate that it read before, when it dirties the round"),
    (Rule::AssistDirties, "a mutator that helps to mark in a flush round does not dirty it"),
    (Rule::AssistAnnounces, "a mutator that helps to mark dirties the round when it is done, not also before it takes an object"),
    (Rule::UnlinkBeforeQueue, "a dead PyObject is in the dead queue before it is unlinked"),
    (Rule::TakenOnce, "who takes a PyObject out of the dead queue looks first and takes it later"),
    (Rule::QueueHoldsCount, "the dead queue holds no count"),
    (Rule::MinorEndsLinks, "a minor frees a young object and leaves its pair"),
    (Rule::PrivateOnOwnPage, "a private object that is linked to a PyObject of another's page stays private"),
    (Rule::PublishClearsTag, "publication leaves the tag PRIVATE of the link"),
    (Rule::ExchangeScanned, "only armed stores to a public field are exchanges, scanned ones shade the value read earlier"),
];

fn usage() -> ! {
    eprintln!("protocol [--walks N] [--programs N] [--ops N] [--cycles N] [--seed N] [--start N] [--litmus N] [--c] [--weak] [--fin] [--detach] [--disarm-first] [--fault K]");
    eprintln!("without --walks, --programs and --litmus: every state within N operations of each mutator");
    for (k, (_, f)) in RULES.iter().enumerate() { eprintln!("  fault {}: {f}", k + 1); }
    for (k, l) in LITMUSES.iter().take(litmuses()).enumerate() { eprintln!("  litmus {k}: {}", l.claim); }
    std::process::exit(2)
}
fn main() {
    let (mut walks, mut programs, mut ops, mut seed, mut start) = (0, 0, 2, 1, None);
    let mut o = Opt { cycles: 1, ..Opt::default() };
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut num = |end: usize| match args.next().and_then(|v| v.parse::<u64>().ok()) {
            Some(v) if v < end as u64 => v,
            _ => { eprintln!("{a} needs a number below {end}"); std::process::exit(2) }
        };
        match a.as_str() {
            "--walks" => walks = num(usize::MAX),
            "--programs" => programs = num(usize::MAX),
            "--ops" => ops = num(255) as u8,
            "--seed" => seed = num(usize::MAX),
            "--start" => start = Some(num(few(0).len()) as usize),
            "--litmus" => run(LITMUSES[num(litmuses()) as usize]),
            "--cycles" => o.cycles = num(255) as u8,
            "--fault" => o.fault = (num(RULES.len() + 1) as usize).checked_sub(1).map(|k| RULES[k].0),
            "--c" => o.c = true,
            "--weak" => o.weak = true,
            "--fin" => o.fin = true,
            "--detach" => o.detach = true,
            "--disarm-first" => o.disarm_first = true,
            // for check.sh
            "--count" => { println!("{} {}", litmuses(), RULES.len()); return; }
            _ => usage(),
        }
    }
    if OPT.set(o).is_err() { unreachable!("set once"); }
    if walks > 0 { return random(walks, ops, seed); }
    if programs > 0 {
        let states: usize = (seed..seed + programs).map(|seed| { run(random_program(seed)); every(litmus_start()).1 }).sum();
        println!("OK: {programs} random programs of {M} mutators, {states} states, no violation");
        return;
    }
    let frontier = if let Some(l) = litmus() {
        println!("litmus: {}", l.claim);
        litmus_start()
    } else if let Some(k) = start { vec![few(ops)[k]] } else { initial(ops) };
    println!("{} initial states", frontier.len());
    let (depth, states) = every(frontier);
    println!("OK: {states} states, depth {depth}, no violation");
}
/// How many litmus programs there are for so many mutators.
fn litmuses() -> usize { LITMUSES.iter().filter(|l| l.prog.len() <= M).count() }
fn litmus_start() -> Vec<[u8; SZ]> {
    let mut s = St::unpack(&few(0)[litmus().expect("a litmus").start]);
    for m in &mut s.mu { m.left = 0; } // in a litmus: operations done
    vec![s.pack()]
}
/// Seven loads, stores and drops, shared out among the mutators.
fn random_program(seed: u64) -> Litmus {
    let mut x: u64 = 0x9E3779B97F4A7C15 ^ seed.wrapping_mul(0xD1342543DE82EF95);
    let mut rnd = move |n: u64| { x ^= x << 13; x ^= x >> 7; x ^= x << 17; (x >> 20) % n };
    for _ in 0..10 { rnd(2); }
    let mut prog = [const { vec![] }; M];
    for _ in 0..7 {
        let m = rnd(M as u64) as usize;
        prog[m].push(match rnd(10) { 0 => Drop(0), 1 | 2 => Drop(1), 3 | 4 => Load(1, 0), 5 => Load(1, 1), 6 | 7 => Store(0, 1), 8 => Store(1, 0), _ => Clear(0) });
    }
    let prog: Vec<&[Op]> = prog.into_iter().map(|p| &*p.leak()).collect();
    Litmus { claim: "random", start: [1, 3, 3, 3, 2][rnd(5) as usize], cycles: 1, prog: prog.leak() }
}
fn fail(e: &str, at: &str) -> ! { println!("FAIL {e} {at}"); std::process::exit(1) }
/// Breadth first: every state that can be reached from `frontier`.
fn every(mut frontier: Vec<[u8; SZ]>) -> (usize, usize) {
    let mut seen: Set = frontier.iter().copied().collect();
    let mut from: HashMap<[u8; SZ], ([u8; SZ], (&'static str, u8))> = HashMap::new(); // litmus only
    let history = |from: &HashMap<[u8; SZ], ([u8; SZ], (&'static str, u8))>, mut k: [u8; SZ]| {
        let mut v = vec![];
        while let Some((p, l)) = from.get(&k) { v.push((*l, k)); k = *p; }
        v.push((("start", 9), k));
        v.reverse();
        show(&v);
    };
    let mut depth = 0;
    let mut out = vec![];
    let mut to_the_end = litmus().is_none();
    while !frontier.is_empty() {
        let mut nf = vec![];
        for b in &frontier {
            let s = St::unpack(b);
            out.clear();
            if let Err(e) = succ(&s, &mut out).and_then(|()| if out.is_empty() { s.stuck() } else { Ok(()) }) { history(&from, *b); fail(&e, &format!("at depth {depth}")); }
            if let Some(l) = litmus() { to_the_end |= out.is_empty() && (0..l.prog.len()).all(|m| s.mu[m].left as usize == l.prog[m].len()); }
            for (l, t) in &out {
                let k = t.pack();
                if !seen.insert(k) { continue; }
                if litmus().is_some() { from.insert(k, (*b, *l)); }
                if let Err(e) = t.check() { history(&from, k); println!("after {}: {s:?}", l.0); fail(&e, &format!("at depth {depth}")); }
                nf.push(k);
            }
        }
        depth += 1;
        frontier = nf;
        if depth % 10 == 0 && litmus().is_none() { eprintln!("depth {depth} states {} frontier {}", seen.len(), frontier.len()); }
        if seen.len() > 150_000_000 { println!("STOPPED (bounded) depth {depth}, {} states, no violation", seen.len()); std::process::exit(0) }
    }
    if !to_the_end && opt().fault.is_none() { fail("no run of this program comes to its end", ""); }
    (depth, seen.len())
}
fn random(walks: u64, ops: u8, seed: u64) {
    let mut x: u64 = 0x9E3779B97F4A7C15 ^ seed.wrapping_mul(0xD1342543DE82EF95);
    let mut rnd = move || { x ^= x << 13; x ^= x >> 7; x ^= x << 17; (x >> 20) as usize };
    let start = initial(ops);
    let mut steps = 0u64;
    for w in 0..walks {
        let mut s = St::unpack(&start[rnd() % start.len()]);
        let mut trace = vec![];
        for _ in 0..160 {
            let mut out = vec![];
            if let Err(e) = succ(&s, &mut out).and_then(|()| if out.is_empty() { s.stuck() } else { Ok(()) }) { show(&trace); println!("{s:?}"); fail(&e, &format!("walk {w}")); }
            if out.is_empty() { break; }
            // handshakes and collector steps are few among many heap operations: weigh them up
            let (a, b): (Vec<_>, Vec<_>) = out.into_iter().partition(|((l, _), _)| matches!(*l, "ack" | "collector" | "flush" | "assist: taken" | "publish request served"));
            let mut pick = if b.is_empty() || (!a.is_empty() && rnd() % 3 == 0) { a } else { b };
            let (l, t) = pick.swap_remove(rnd() % pick.len());
            trace.push((l, t.pack()));
            if let Err(e) = t.check() { show(&trace); fail(&e, &format!("walk {w}")); }
            s = t;
            steps += 1;
        }
    }
    println!("OK: {walks} random walks, {steps} steps, no violation");
}
fn initial(ops: u8) -> Vec<[u8; SZ]> {
    let mut v = vec![];
    // object kinds: 0 absent, 1 old public, 2 old private m0, 3 young private m0, 4 young public m0, 5 old private m1
    let refs = [NONE, 1, 2];
    for k1 in 0..6u8 { for k2 in 0..6u8 {
        for f0 in refs { for f1 in [NONE, 2] { for f2 in [NONE, 1] {
            for r0 in 0..9u8 { for r1 in 0..9u8 { for c in 0..if opt().c { 4u8 } else { 1 } { for f in 0..if opt().fin { 4u8 } else { 1 } {
                let mut s = init();
                for (o, k) in [(1usize, k1), (2, k2)] {
                    s.fl[o] = match k { 0 => 0, 1 => LIVE | PUBLIC, 2 => LIVE, 3 => LIVE | YOUNG, 4 => LIVE | YOUNG | PUBLIC, _ => LIVE | OWNER1 };
                    if k != 0 { s.weak |= 1 << o; }
                }
                s.fd = [f0, f1, f2];
                for (o, k) in [(1usize, k1), (2, k2)] { if k == 0 && s.fd[o] != NONE { s.fl[0] = 0; } }
                s.mu[0].root = [refs[(r0 % 3) as usize], refs[(r0 / 3) as usize]];
                s.mu[1].root = [refs[(r1 % 3) as usize], refs[(r1 / 3) as usize]];
                for m in 0..2 { s.mu[m].left = ops; }
                if c & 1 != 0 { s.mu[0].cref = 2; s.link |= 2; }
                if c & 2 != 0 { s.mu[1].cref = 4; s.link |= 4; }
                for o in 1..3u8 { if s.linked(o) && s.live(o) && !s.public(o) { s.tag |= 1 << o; s.page |= (s.owner(o) as u8) << o; } }
                for (o, k) in [(1usize, k1), (2, k2)] { if f >> (o - 1) & 1 != 0 && matches!(k, 1 | 3 | 4) { s.fin |= 1 << o; } } // old ones are public
                if s.fl[0] == 0 || s.check().is_err() { continue; }
                // old private objects with young referents are remembered; private old may only refer to own
                let mut ok = true;
                for o in 1..3usize {
                    let t = s.fd[o];
                    if s.fl[o] & LIVE == 0 { if s.fl[o] != 0 { ok = false; } continue; }
                    if t != NONE {
                        if s.fl[t as usize] & LIVE == 0 { ok = false; continue; }
                        if !s.public(t) && s.owner(t) != s.owner(o as u8) { ok = false; }
                        if s.public(o as u8) && !s.public(t) { ok = false; }
                        if !s.young(o as u8) && !s.public(o as u8) && s.young(t) && !s.public(t) { s.fl[o] |= REMEMBERED; }
                    }
                }
                if ok { v.push(s.pack()); }
            }}}}
        }}}
    }}
    v.sort(); v.dedup();
    v
}

fn show(v: &[((&'static str, u8), [u8; SZ])]) {
    for ((l, m), k) in v {
        let s = St::unpack(k);
        let flags = [(LIVE, 'L'), (YOUNG, 'Y'), (PUBLIC, 'P'), (OWNER1, '1'), (REMEMBERED, 'R')];
        let fl: Vec<String> = s.fl.iter().enumerate().map(|(o, f)| {
            let mut t: String = flags.iter().filter(|(b, _)| f & b != 0).map(|(_, c)| *c).collect();
            for (set, c) in [(s.link, 'K'), (s.tag, 'T'), (s.deadq, 'D'), (s.fin, 'F'), (s.queue, 'Q')] { if set >> o & 1 != 0 { t.push(c); } }
            if f & LIVE != 0 && f & MARK == s.g { t.push('#'); }
            t
        }).collect();
        let ms: Vec<String> = s.mu.iter().map(|m| format!("{}{:?} {:?} r{:?} c{:b} b{:b} buf{:b}", if m.gone { "gone " } else { "" }, m.ph, m.pc, m.root, m.cref, m.borrow, m.buf)).collect();
        println!("{:<26} {:?}{}{} {fl:?} f{:?} grey {:b} w{:b} | {}", format!("{l} {m}"), s.co, s.idx, if s.dirty { " dirty" } else { "" }, s.fd, s.grey, s.weak, ms.join(" | "));
    }
}

/// A few start states worth every interleaving of more operations.
fn few(ops: u8) -> Vec<[u8; SZ]> {
    let mk = |f: &dyn Fn(&mut St)| { let mut s = init(); for m in &mut s.mu { m.left = ops; m.root = [0, NONE]; } f(&mut s); s.pack() };
    let chain = |s: &mut St| { s.fl[1] = LIVE | PUBLIC; s.fl[2] = LIVE | PUBLIC; s.weak = 6; s.fd[0] = 1; s.fd[1] = 2; s.mu[0].root = [0, NONE]; s.mu[1].root = [0, NONE]; };
    vec![
        // 0: an old private object in one root of mutator 1, nothing else
        mk(&|s| { s.fl[2] = LIVE | OWNER1; s.mu[1].root[1] = 2; s.mu[1].root[0] = 0; s.mu[0].root[0] = 0; }),
        // 1: global -> 1 -> 2, all old and public; no roots
        mk(&chain),
        // 2: a young public object of mutator 0 under the global, an old private one of mutator 1
        mk(&|s| { s.fl[1] = LIVE | YOUNG | PUBLIC; s.fl[2] = LIVE | OWNER1; s.fd[0] = 1; s.mu[0].root = [0, NONE]; s.mu[1].root = [0, 2]; }),
        // 3: two old public objects, each in a root of one mutator
        mk(&|s| { s.fl[1] = LIVE | PUBLIC; s.fl[2] = LIVE | PUBLIC; s.mu[0].root = [0, 1]; s.mu[1].root = [0, 2]; }),
        // 4: as 1, and object 1 has a finalizer
        mk(&|s| { chain(s); s.fin = 2; }),
        // 5: as 1, and object 2 has a finalizer
        mk(&|s| { chain(s); s.fin = 4; }),
        // 6: an old private object in a root of each mutator
        mk(&|s| { s.fl[1] = LIVE; s.fl[2] = LIVE | OWNER1; s.weak = 6; s.mu[0].root = [0, 1]; s.mu[1].root = [0, 2]; }),
        // 7: no objects
        mk(&|s| { s.mu[0].root = [0, NONE]; s.mu[1].root = [0, NONE]; }),
        // 8: an old public object in a root of mutator 0; it is linked, C has no reference
        mk(&|s| { s.fl[1] = LIVE | PUBLIC; s.weak = 2; s.link = 2; s.mu[0].root = [0, 1]; s.mu[1].root = [0, NONE]; }),
        // 9: as 1, and object 1 is linked
        mk(&|s| { chain(s); s.link = 2; }),
        // 10: as 1, and both objects are linked
        mk(&|s| { chain(s); s.link = 6; }),
    ]
}

/// A fixed program per mutator; every interleaving with the other, with minor collections, handshakes and the collector.
#[derive(Clone, Copy)]
struct Litmus { claim: &'static str, start: usize, cycles: u8, prog: &'static [&'static [Op]] }
impl Litmus {
    fn next(&self, m: usize, mu: &Mu) -> Option<&'static Op> { self.prog.get(m)?.get(mu.left as usize) }
    fn breaks_contract(&self) -> bool { self.prog.iter().any(|p| p.iter().any(|o| matches!(o, Late(_)))) }
}
#[derive(Clone, Copy)]
#[rustfmt::skip]
enum Op {
    Alloc(usize), AllocFin(usize), Drop(usize), Global(usize), Load(usize, usize), Store(usize, usize), Clear(usize), FromObj(usize), ToObj(u8, usize),
    Decref(u8), Hand(u8), Late(u8), Weak(u8, usize), Run(usize), Detach, Attach, LinkOther(usize), Next(usize), Free, Touch(u8),
}
use Op::*;
static LITMUSES: [Litmus; 44] = [
    Litmus { claim: "a reference hidden in an object born marked", start: 0, cycles: 1, prog: &[&[Alloc(1), Store(0, 1)], &[Load(0, 0), Store(0, 1), Drop(0), Drop(1)]] },
    Litmus { claim: "a young public object taken by another, then unlinked by its owner", start: 2, cycles: 1, prog: &[&[Clear(0)], &[Load(1, 0)]] },
    Litmus { claim: "a young public object taken by another, then unlinked by the taker", start: 2, cycles: 1, prog: &[&[], &[Load(1, 0), Clear(0)]] },
    Litmus { claim: "an object goes to C and its root is dropped", start: 0, cycles: 1, prog: &[&[], &[FromObj(1), Drop(1), ToObj(2, 1)]] },
    Litmus { claim: "a C reference travels to the other thread and comes back as an object", start: 0, cycles: 1, prog: &[&[ToObj(2, 1), Decref(2)], &[FromObj(1), Drop(1), Hand(2)]] },
    Litmus { claim: "crossing, then the last C reference goes", start: 3, cycles: 1, prog: &[&[FromObj(1), Drop(1), ToObj(1, 1), Decref(1)], &[Drop(1)]] },
    Litmus { claim: "two threads swap references through one public field", start: 3, cycles: 1, prog: &[&[Store(0, 1), Drop(1), Load(1, 0)], &[Store(0, 1), Drop(1), Load(1, 0)]] },
    Litmus { claim: "a chain is cut while another walks it", start: 1, cycles: 1, prog: &[&[Load(1, 0), Clear(1), Drop(1)], &[Load(1, 0), Load(1, 1)]] },
    Litmus { claim: "weak load while the last strong reference goes", start: 1, cycles: 1, prog: &[&[Clear(0)], &[Weak(2, 1)]] },
    Litmus { claim: "weak load of an object that dies", start: 1, cycles: 1, prog: &[&[Clear(0), Drop(0)], &[Drop(0), Weak(1, 0), Load(1, 0)]] },
    Litmus { claim: "a young public object is overwritten by another before its owner is armed", start: 2, cycles: 1, prog: &[&[Load(1, 0)], &[Clear(0)]] },
    Litmus { claim: "published, promoted in place and passed on", start: 0, cycles: 1, prog: &[&[Alloc(1), Store(0, 1), Drop(1)], &[Load(1, 0), Clear(0)]] },
    Litmus { claim: "hidden by way of C in an object born marked", start: 0, cycles: 1, prog: &[&[Alloc(1), Store(0, 1), Drop(1)], &[FromObj(1), Drop(1), Load(0, 0), ToObj(2, 1), Decref(2), Store(0, 1), Drop(0), Drop(1)]] },
    Litmus { claim: "to C and back on the thread that was scanned first", start: 3, cycles: 1, prog: &[&[FromObj(1), Drop(1), Hand(1)], &[Drop(1), ToObj(1, 1), Decref(1)]] },
    Litmus { claim: "a young object that only an old private one holds, which C holds", start: 0, cycles: 1, prog: &[&[], &[FromObj(1), Alloc(0), Store(1, 0), Drop(0)]] },
    Litmus { claim: "weak load in front of the sweep, and the memory is used again", start: 1, cycles: 1, prog: &[&[Clear(0), Drop(0), Alloc(0)], &[Drop(0), Weak(1, 1)]] },
    Litmus { claim: "an object that dies is stored again by its finalizer", start: 4, cycles: 2, prog: &[&[Clear(0), Load(1, 0)], &[Run(1), Store(0, 1), Drop(1)]] },
    Litmus { claim: "a young object that is dropped at once is finalized by the other, which takes its child", start: 7, cycles: 1, prog: &[&[AllocFin(1), Alloc(0), Store(1, 0), Drop(0), Drop(1)], &[Run(1), Load(0, 1), Drop(1)]] },
    Litmus { claim: "weak load of an object that is queued for its finalizer", start: 4, cycles: 1, prog: &[&[Clear(0)], &[Weak(1, 1), Run(1)]] },
    Litmus { claim: "weak load of a dying object whose child has a finalizer", start: 5, cycles: 1, prog: &[&[Clear(0)], &[Weak(1, 1), Load(0, 1)]] },
    Litmus { claim: "what waits for its finalizer lives through the next cycle", start: 4, cycles: 2, prog: &[&[Clear(0)], &[Run(1), Load(0, 1), Drop(1)]] },
    Litmus { claim: "a mutator cuts a chain and leaves", start: 1, cycles: 1, prog: &[&[Clear(0), Detach], &[Load(1, 0), Load(1, 1)]] },
    Litmus { claim: "a mutator leaves, and C holds a private object of it", start: 0, cycles: 1, prog: &[&[ToObj(2, 1), Decref(2)], &[FromObj(1), Detach]] },
    Litmus { claim: "a mutator publishes a young object and leaves", start: 7, cycles: 1, prog: &[&[Alloc(1), Store(0, 1), Detach], &[Load(1, 0), Clear(0)]] },
    Litmus { claim: "a mutator leaves with a private old object, which C holds, and its young child", start: 0, cycles: 1, prog: &[&[ToObj(2, 1), Load(1, 1)], &[FromObj(1), Alloc(0), Store(1, 0), Detach]] },
    Litmus { claim: "a mutator attaches while a cycle runs, and cuts a chain", start: 1, cycles: 1, prog: &[&[], &[Detach, Attach, Global(0), Load(1, 0), Clear(0)]] },
    Litmus { claim: "a mutator attaches while a cycle runs, allocates and publishes", start: 7, cycles: 1, prog: &[&[Load(1, 0), Clear(0)], &[Detach, Attach, Global(0), Alloc(1), Store(0, 1), Drop(1)]] },
    Litmus { claim: "two mutators cross to a private object of each other", start: 6, cycles: 1, prog: &[&[FromObj(1), Hand(1), ToObj(2, 1)], &[FromObj(1), Hand(2), ToObj(1, 1)]] },
    Litmus { claim: "a private link is crossed by another, and its owner leaves", start: 6, cycles: 1, prog: &[&[FromObj(1), Hand(1), Detach], &[ToObj(1, 0), Decref(1)]] },
    Litmus { claim: "a young private object that only C holds", start: 7, cycles: 1, prog: &[&[], &[Alloc(1), FromObj(1), Drop(1), ToObj(1, 1), Decref(1)]] },
    Litmus { claim: "a young private object goes to the other thread by way of C", start: 7, cycles: 1, prog: &[&[Alloc(1), FromObj(1), Hand(1), Drop(1)], &[ToObj(1, 1), Decref(1), Store(0, 1), Drop(1)]] },
    Litmus { claim: "C counts a borrowed pointer after its object is gone, against the contract, but before the cycle is judged", start: 8, cycles: 1, prog: &[&[Drop(1), Late(1), ToObj(1, 1)], &[]] },
    Litmus { claim: "a linked object dies, and the memory is used and linked again", start: 9, cycles: 1, prog: &[&[Clear(0), Drop(0), Alloc(0), FromObj(0)], &[Drop(0)]] },
    Litmus { claim: "weak load and crossing of a linked object that dies", start: 9, cycles: 1, prog: &[&[Clear(0)], &[Weak(1, 1), FromObj(1), Drop(1), ToObj(1, 1)]] },
    Litmus { claim: "a finalizer runs while its object is dropped for good", start: 4, cycles: 2, prog: &[&[Clear(0), Run(1), Weak(2, 0)], &[Weak(1, 1), Drop(1)]] },
    Litmus { claim: "another crosses to a private object while its owner stores into it", start: 7, cycles: 1, prog: &[&[Alloc(1), FromObj(1), Hand(1), Alloc(0), Store(1, 0)], &[ToObj(1, 0), Load(0, 0)]] },
    Litmus { claim: "C counts a borrowed pointer too late but before the look (as in 31); the object has a child, the other loads it weakly", start: 9, cycles: 1, prog: &[&[Clear(0), Late(1), ToObj(1, 1), Load(0, 1)], &[Weak(1, 1), Load(0, 1)]] },
    Litmus { claim: "a linked object dies, and who takes it out of the dead queue crosses back", start: 9, cycles: 1, prog: &[&[Clear(0)], &[Next(1), Load(0, 1), Free]] },
    Litmus { claim: "two pairs die, and two take from the dead queue", start: 10, cycles: 1, prog: &[&[Clear(0), Next(1), Free], &[Next(1)]] },
    Litmus { claim: "C finds a queued PyObject in a table of its own", start: 9, cycles: 1, prog: &[&[Clear(0), Touch(1)], &[Next(1), Free]] },
    Litmus { claim: "a pair made for a call dies at the next minor, and its memory is linked again", start: 7, cycles: 1, prog: &[&[Alloc(1), FromObj(1), Decref(1), Drop(1), Next(1), Free, Alloc(1), FromObj(1)], &[]] },
    Litmus { claim: "a private object is linked to a PyObject of the other's page, who crosses", start: 7, cycles: 1, prog: &[&[Alloc(1), LinkOther(1), Hand(1), Drop(1)], &[ToObj(1, 0), Decref(1)]] },
    Litmus { claim: "a linked private object is published by a store, while the other crosses", start: 7, cycles: 1, prog: &[&[Alloc(1), FromObj(1), Hand(1), Store(0, 1), Drop(1)], &[ToObj(1, 1), Decref(1)]] },
    // Three mutators (`--cfg three`) from here on.
    Litmus { claim: "a young object of one that is idle goes back to where it was found, over which one that is scanned stores", start: 2, cycles: 1, prog: &[&[Load(1, 0)], &[Store(0, 1), Clear(0)], &[Load(1, 0), Store(0, 1), Drop(1)]] },
];
fn litmus_step(s: &St, m: usize, l: &Litmus, out: &mut Vec<Step>) -> Result<(), String> {
    let mu = s.mu[m];
    let Some(op) = l.next(m, &mu) else { return Ok(()) };
    let mut t = *s;
    t.mu[m].left += 1;
    let label: &'static str = match *op {
        Alloc(i) => { if !t.alloc(m, i, false) { return Ok(()); } "alloc" }
        AllocFin(i) => { if !t.alloc(m, i, true) { return Ok(()); } "alloc with finalizer" }
        Global(i) => { t.mu[m].root[i] = 0; "global" }
        Drop(i) => { t.mu[m].root[i] = NONE; "drop" }
        Load(i, j) => { let c = mu.root[j]; t.mu[m].root[i] = if c == NONE { NONE } else { s.fd[c as usize] }; "load" }
        Store(j, _) | Clear(j) if mu.root[j] == NONE => "store skipped",
        Store(j, i) => { let q = &mut t.mu[m]; q.pc = Pc::Barrier; q.src = mu.root[j]; q.new = mu.root[i]; q.old = s.fd[mu.root[j] as usize]; "store" }
        Clear(j) => { let q = &mut t.mu[m]; q.pc = Pc::Barrier; q.src = mu.root[j]; q.new = NONE; q.old = s.fd[mu.root[j] as usize]; "clear" }
        FromObj(i) | LinkOther(i) => {
            let (o, page) = (mu.root[i], if matches!(op, LinkOther(_)) { 1 - m } else { m });
            if o != NONE && t.make_link(m, o, page) { t.mu[m].cref |= 1 << o; }
            "from_obj"
        }
        Next(i) => {
            if s.deadq == 0 { return Ok(()); } // waits for one
            t.next_dead(m, s.deadq.trailing_zeros() as u8, i)?; "next_dead"
        }
        Free => { t.mu[m].got = 0; "the dead is freed" }
        Touch(o) => { t.touch(o); "C counts up and down" }
        ToObj(o, i) => {
            if mu.cref >> o & 1 == 0 { return Ok(()); } // waits for the reference
            t.to_obj(m, o, i); "to_obj"
        }
        Decref(o) => { t.mu[m].cref &= !(1 << o); "decref" }
        Hand(o) => { t.mu[m].cref &= !(1 << o); t.mu[(m+1)%M].cref |= 1 << o; "hand over" }
        Late(o) => {
            // the PyObject is there as long as the link, or the dead queue; what is counted after the look does not save the object
            let judged = matches!(s.co, Co::Judge if s.idx > o) || matches!(s.co, Co::Clear | Co::Sweep);
            if s.linked(o) && !judged { t.mu[m].cref |= 1 << o; }
            "late incref"
        }
        Weak(o, i) => {
            if s.weak >> o & 1 == 0 || !s.live(o) || !(s.public(o) || s.mine(m, o)) { t.mu[m].root[i] = NONE; } else { t.begin(m, Pc::Cell, o, i); }
            "weak: cell"
        }
        Run(i) => {
            if s.queue == 0 { return Ok(()); } // waits for one
            t.take_queued(m, s.queue.trailing_zeros() as u8, i); "finalizer"
        }
        Detach => { t.leave(m)?; "detach" }
        Attach => return Ok(()), // attached already
    };
    out.push(((label, m as u8), t));
    Ok(())
}
