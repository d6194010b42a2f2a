//! What the programs know: objects, handles, and who must be alive.

use super::c::Ob;
use std::collections::{BTreeMap, BTreeSet};

/// An object of the heap.
#[derive(Default)]
pub struct Object {
    pub fields: [Option<usize>; 2],
    pub handle: Option<usize>,
}

/// A handle.
pub struct Handle {
    pub address: *mut Ob,
    pub object: Option<usize>,
    pub light: bool,
    /// References in registers, of other handles, in the detached queue, or of the dead queue.
    pub held: usize,
    /// From now on counts mean nothing, and it lives for ever.
    pub immortal: bool,
    /// Its memory is the program's.
    pub adopted: bool,
    /// Whether there is room behind the head for a child.
    pub room: bool,
    /// A handle of which it holds a reference.
    pub child: Option<usize>,
    /// Handles that hold a reference to it.
    pub parents: usize,
}

/// The reference.
#[derive(Default)]
pub struct Model {
    pub objects: BTreeMap<usize, Object>,
    pub handles: BTreeMap<usize, Handle>,
    /// Must be in the dead queue.
    pub queued: BTreeSet<usize>,
    /// Must have been deallocated since the last look.
    pub dealloced: Vec<usize>,
    next: usize,
}

impl Model {
    pub fn fresh(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    pub fn handle(&mut self, id: usize) -> &mut Handle {
        self.handles.get_mut(&id).expect("known")
    }

    pub fn object(&mut self, number: usize) -> &mut Object {
        self.objects.get_mut(&number).expect("known")
    }

    /// A new handle of which one reference is held.
    pub fn add_handle(&mut self, address: *mut Ob, id: usize, object: Option<usize>, light: bool, bytes: usize) {
        assert!(!address.is_null());
        let handle = Handle {
            address,
            object,
            light,
            held: 1,
            immortal: false,
            adopted: false,
            room: bytes >= 32,
            child: None,
            parents: 0,
        };
        assert!(self.handles.insert(id, handle).is_none());
    }

    /// A reference less.
    pub fn drop_held(&mut self, id: usize) {
        let mut next = Some(id);
        while let Some(id) = next.take() {
            let handle = self.handle(id);
            handle.held -= 1;
            if handle.held == 0 && handle.object.is_none() && !handle.immortal {
                let handle = self.handles.remove(&id).expect("known");
                self.dealloced.push(id);
                if let Some(child) = handle.child {
                    self.handle(child).parents -= 1;
                    next = Some(child);
                }
            }
        }
    }

    /// Everything that must be alive if these are.
    pub fn live(&self, mut grey: Vec<usize>) -> BTreeSet<usize> {
        let mut live = BTreeSet::new();
        grey.extend(self.handles.values().filter(|h| h.held > 0 || h.immortal).filter_map(|h| h.object));
        while let Some(object) = grey.pop() {
            if live.insert(object) {
                grey.extend(self.objects[&object].fields.iter().flatten());
            }
        }
        live
    }

    /// Everything else dies: light pairs silently, others leave their handle to the dead queue.
    pub fn bury(&mut self, live: &BTreeSet<usize>) {
        let dead: Vec<usize> = self.objects.keys().copied().filter(|o| !live.contains(o)).collect();
        for object in dead {
            let Some(id) = self.objects.remove(&object).and_then(|o| o.handle) else { continue };
            let handle = self.handle(id);
            if handle.light && !handle.adopted {
                self.handles.remove(&id);
            } else {
                handle.object = None;
                handle.held = 1;
                self.queued.insert(id);
            }
        }
    }
}
