//! Checked builds (feature `debug`) find nothing in a correct program: threads make handles, pass them on, cross back on
//! another thread and free what others allocated, while minor collections and cycles run. A false alarm aborts.
#![cfg(feature = "debug")]

use handfast::Config;
use handfast::raw::{self, Heap, LinkFlags, PyObject, TypeInfo};
use std::ptr::null_mut;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0]).with_handle_slot(8);
const THREADS: usize = 4;
const ROUNDS: usize = 3000;

/// A counted reference on its way to another thread; the last one takes its sender along.
struct Sent(*mut PyObject);

// SAFETY: the reference goes with it, and any attached thread may use that.
unsafe impl Send for Sent {}

fn work(heap: &Heap, out: &SyncSender<Sent>, from: &Receiver<Sent>, number: usize) -> usize {
    let mut received = 0;
    // SAFETY: this thread's mutator; objects are rooted or linked before the next collection; references are its own.
    unsafe {
        let m = heap.attach().unwrap();
        let scope = m.scope_open();
        let chain = m.root(null_mut());
        for i in 0..ROUNDS {
            let node = m.alloc(&NODE);
            raw::debug::check_object(Some(m), node).unwrap();
            m.store(node, 0, *chain);
            *chain = node;
            raw::payload(node).cast::<usize>().add(2).write(i);
            let flags = if i % 3 == 0 { LinkFlags::NONE } else { LinkFlags::LIGHT };
            let ob = match i % 4 {
                0 => m.pyobject_new(24 + i % 100, null_mut()),
                _ => m.handle(node, 24 + i % 50, null_mut(), flags),
            };
            // A full channel: it is dropped here.
            if let Err(e) = out.try_send(Sent(ob)) {
                let (std::sync::mpsc::TrySendError::Full(Sent(ob))
                | std::sync::mpsc::TrySendError::Disconnected(Sent(ob))) = e;
                PyObject::decref(ob);
            }
            while let Ok(Sent(ob)) = from.try_recv() {
                received += 1;
                PyObject::incref(ob);
                let object = m.to_obj(ob);
                if !object.is_null() {
                    raw::debug::check_object(Some(m), object).unwrap();
                    assert_eq!(m.from_obj(object), ob);
                    assert!(raw::payload(object).cast::<usize>().add(2).read() < ROUNDS);
                }
                PyObject::decref(ob);
                PyObject::decref(ob);
            }
            if i % 64 == 0 {
                *chain = null_mut();
            }
            match i % 500 {
                100 => m.collect_minor(),
                499 if number == 0 => m.collect_full(),
                _ => m.safepoint(),
            }
            loop {
                let dead = heap.next_dead();
                if dead.is_null() {
                    break;
                }
                PyObject::free(dead);
            }
            if !(*chain).is_null() {
                raw::debug::check_object(Some(m), *chain).unwrap();
            }
        }
        assert!(m.scope_close(scope));
        while let Ok(Sent(ob)) = from.try_recv() {
            PyObject::decref(ob);
        }
        m.detach();
    }
    received
}

#[test]
fn a_correct_program_is_not_stopped() {
    let heap = Heap::new(&Config { gc_threads: 1, ..Config::default() }).unwrap();
    let mut ends: Vec<_> = (0..THREADS).map(|_| sync_channel(16)).collect();
    // Each sends to the next one.
    let first = ends.remove(0);
    let mut senders = vec![first.0];
    let mut receivers = vec![first.1];
    for (sender, receiver) in ends {
        senders.push(sender);
        receivers.push(receiver);
    }
    senders.rotate_left(1);
    let received: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = senders
            .into_iter()
            .zip(receivers)
            .enumerate()
            .map(|(i, (out, from))| {
                let heap = &heap;
                scope.spawn(move || work(heap, &out, &from, i))
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert!(received > 0);
    let report = heap.close().unwrap();
    // What was sent to a thread that had left.
    assert!(report.objects <= (16 * THREADS) as u64, "{report:?}");
}
