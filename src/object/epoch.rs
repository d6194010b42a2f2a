//! Numbers of cycles: what marks objects and lines.
//!
//! The mark is a cycle's number and not a flipping bit: an object that died stays in memory while a neighbour keeps its
//! line alive, and after two flips of a bit it would look marked. 0 is never a cycle.

/// The number of the cycle after `epoch`: 1 to 255, then 1 again. 0 marks nothing.
#[inline]
pub fn next_epoch(epoch: u8) -> u8 {
    if epoch == u8::MAX { 1 } else { epoch + 1 }
}

/// The number of the cycle before `epoch`.
#[inline]
pub fn previous_epoch(epoch: u8) -> u8 {
    if epoch <= 1 { u8::MAX } else { epoch - 1 }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_round_without_zero() {
        let (mut epoch, mut seen) = (1, [0; 256]);
        for _ in 0..510 {
            seen[epoch as usize] += 1;
            assert_eq!(previous_epoch(next_epoch(epoch)), epoch);
            epoch = next_epoch(epoch);
        }
        assert!(seen[0] == 0 && seen[1..].iter().all(|&n| n == 2));
    }
}
