//! What leaves a scope by `escape` was rooted in it: of what another scope has rooted nobody would ask whose heap it is of.

use handfast::{Config, Error, Heap};

fn main() -> Result<(), Error> {
    let (heap, other) = (Heap::new(Config::default())?, Heap::new(Config::default())?);
    let (mut one, mut two) = (heap.attach()?, other.attach()?);
    two.scope(|o| {
        let foreign = o.alloc(1_u64)?;
        one.scope(|s| {
            s.escape(|_| Ok::<_, Error>(foreign))?;
            Ok(())
        })
    })
}
