//! Which types of the interface may be sent to another thread, or shared with one. What belongs to a thread's mutator may not:
//! a line below that says so does not compile if the type can be.

use handfast::{
    Array, Config, Data, Error, Field, Fresh, Global, HandleSlot, Heap, LeakReport, LinkFlags, Local, Mutator, Pinned,
    PyRef, Ref, Scope, Stats, Trace, Var, Verified, Violation, Walked, Weak, raw,
};
use std::rc::Rc;

#[derive(Trace)]
struct Node {
    next: Field<Node>,
    handle: HandleSlot,
}

/// Two implementations apply to a type that is `Send`, so it is not clear which is meant; and so for `Sync`.
trait NotSend<Which> {
    const NOT: bool = true;
}
struct Sendable;
impl<T: ?Sized> NotSend<()> for T {}
impl<T: ?Sized + Send> NotSend<Sendable> for T {}

trait NotSync<Which> {
    const NOT: bool = true;
}
impl<T: ?Sized> NotSync<()> for T {}
impl<T: ?Sized + Sync> NotSync<Sendable> for T {}

#[expect(clippy::extra_unused_type_parameters, reason = "its bounds are the check")]
const fn shared<T: Send + Sync>() -> bool {
    true
}

macro_rules! owned_by_a_thread {
    ($($ty:ty),+ $(,)?) => { [$(<$ty as NotSend<_>>::NOT, <$ty as NotSync<_>>::NOT),+] };
}

macro_rules! of_all_threads {
    ($($ty:ty),+ $(,)?) => { [$(shared::<$ty>()),+] };
}

#[test]
fn what_belongs_to_a_mutator_stays_on_its_thread() {
    let stay = owned_by_a_thread![
        Rc<u8>,
        Mutator,
        Scope<'static>,
        Local<'static, Node>,
        Local<'static, u64>,
        Ref<'static, Node>,
        Ref<'static, Data<u8>>,
        Ref<'static, Array<Node>>,
        Var<'static, Node>,
        Pinned<'static, Node>,
        Fresh<'static, 'static, Node>,
        PyRef,
        raw::Frame<0>,
        raw::Frame<3>,
        raw::Mutator,
        raw::Batch,
    ];
    assert!(stay.iter().all(|&not| not));
}

#[test]
fn what_belongs_to_a_heap_goes_anywhere() {
    let go = of_all_threads![
        Heap,
        Global<Node>,
        Weak<Node>,
        Global<Data<u8>>,
        Weak<Array<Node>>,
        Field<Node>,
        HandleSlot,
        Data<u8>,
        Array<Node>,
        Config,
        Error,
        Stats,
        Verified,
        Violation,
        Walked,
        LeakReport,
        LinkFlags,
        raw::Heap,
        raw::TypeInfo,
    ];
    assert!(go.iter().all(|&shared| shared));
    let node = Node { next: Field::null(), handle: HandleSlot::new() };
    assert!(!format!("{:?}{:?}", node.next, node.handle).is_empty());
}
