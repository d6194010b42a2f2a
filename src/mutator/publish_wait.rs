//! How a crossing waits for the owner of a private object to publish it, and what it serves meanwhile.
//!
//! The requester asks the owner's handshake word. A running owner serves at its next safepoint; for one in native code the
//! requester does the work itself, while it holds the word. Between two looks the requester serves publish requests of
//! others, and only those: so two mutators that cross each other's links never wait for each other, and a crossing never
//! collects. What a request is, and how it is withdrawn, is in `request.rs`.

use super::handshake::{HandshakeWord, Requests, Target};

/// Asks `owner` until `is_over`: `interrupt` a running owner, `serve_held` in its place while it is native and held, then
/// tell those who wait that it was `released`. `pause` serves ([`serve_if_asked`]) and lets time pass.
pub fn ask_owner(
    owner: &HandshakeWord,
    is_over: impl Fn() -> bool,
    interrupt: impl Fn(),
    serve_held: impl Fn(),
    released: impl Fn(),
    mut pause: impl FnMut(),
) {
    while !is_over() {
        match owner.request(Requests::PUBLISH) {
            Target::Running => interrupt(),
            Target::Native => {
                if owner.try_hold() {
                    owner.serve(Requests::PUBLISH);
                    serve_held();
                    let _ = owner.release(Requests::NONE);
                    released();
                    continue;
                }
            }
            // A holder is at work, or the owner has left and published everything: look again.
            Target::Held | Target::Detached => {}
        }
        pause();
    }
}

/// Serves publish requests, if `own` is asked, and nothing else. By the running owner. The request is cleared before the
/// queue is read: one that is queued later asks again.
pub fn serve_if_asked(own: &HandshakeWord, serve: impl FnOnce()) {
    if own.is_requested(Requests::PUBLISH) {
        own.serve(Requests::PUBLISH);
        serve();
    }
}
