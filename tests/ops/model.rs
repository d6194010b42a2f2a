//! The reference: a plain graph of numbers, and what is promised of each object.

use super::objects::Shape;
use std::collections::BTreeSet;

/// The number of an object; 0 is null.
pub type Id = u32;

/// What is known of one object.
#[derive(Debug)]
pub struct Node {
    pub shape: Shape,
    pub refs: Vec<Id>,
    /// Its finalizer has run.
    pub finalized: bool,
    /// It was given out as identity, or published: it stays where it is.
    pub fixed_at: Option<usize>,
    /// Other threads may reach it.
    pub public: bool,
    /// Pins that were not taken back, where it was when the first came, and whose they are.
    pub pinned: Option<(u32, usize, usize)>,
}

/// All objects that were ever made, and the references from outside.
#[derive(Debug, Default)]
pub struct Model {
    nodes: Vec<Node>,
    /// Of each mutator.
    pub roots: Vec<Vec<Id>>,
    pub globals: Vec<Id>,
    /// Objects whose `PyObject` is held.
    pub held: Vec<Id>,
    /// What the last finalizer that resurrected its object stored.
    pub resurrected: Id,
}

impl Model {
    pub fn new(lanes: usize, roots: usize, globals: usize, handles: usize) -> Model {
        Model {
            roots: vec![vec![0; roots]; lanes],
            globals: vec![0; globals],
            held: vec![0; handles],
            ..Model::default()
        }
    }

    pub fn add(&mut self, shape: Shape) -> Id {
        let refs = vec![0; shape.fields()];
        self.nodes.push(Node { shape, refs, finalized: false, fixed_at: None, public: false, pinned: None });
        self.nodes.len() as Id
    }

    pub fn node(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize - 1]
    }

    pub fn ids(&self) -> std::ops::RangeInclusive<Id> {
        1..=self.nodes.len() as Id
    }

    /// Everything that these reach.
    fn closure(&self, mut work: Vec<Id>) -> BTreeSet<Id> {
        let mut seen = BTreeSet::new();
        while let Some(id) = work.pop() {
            if id != 0 && seen.insert(id) {
                work.extend(&self.nodes[id as usize - 1].refs);
            }
        }
        seen
    }

    /// Everything that must be alive.
    pub fn reachable(&self) -> BTreeSet<Id> {
        let mut work = vec![self.resurrected];
        work.extend(self.roots.iter().flatten().chain(&self.globals).chain(&self.held));
        self.closure(work)
    }

    /// `id` and all that it reaches are public from now on.
    pub fn publish(&mut self, id: Id) {
        for id in self.closure(vec![id]) {
            self.node(id).public = true;
        }
    }
}
