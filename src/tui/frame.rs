//! When to draw: at once for a key, at a rate that the link can bear for a stream, and never for nothing.

use std::time::Duration;

/// How much a stream may draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// A local terminal or a quick network: ten frames and 14 KB a second.
    Quick,
    /// A slow line: two frames and 4 KB a second.
    Slow,
}

impl Link {
    fn pace(self) -> (Duration, u64) {
        match self {
            Self::Quick => (Duration::from_millis(100), 14_000),
            Self::Slow => (Duration::from_millis(500), 4_000),
        }
    }
}

/// Decides when the next frame of a stream may be drawn. A key's frame is never held back.
#[derive(Debug)]
pub(crate) struct Governor {
    link: Link,
    /// Grows while the terminal is slow to take what is written.
    slowdown: u32,
    next: Duration,
}

/// A write that takes longer than this says that the link is full.
const FULL: Duration = Duration::from_millis(20);
const MOST: u32 = 16;

impl Governor {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            slowdown: 1,
            next: Duration::ZERO,
        }
    }

    /// Returns when a frame of a stream may be drawn, on the monotonic clock.
    pub(crate) fn due(&self) -> Duration {
        self.next
    }

    /// Learns from a frame: when it ended, how many bytes it took, how long the terminal needed to take them.
    pub(crate) fn drawn(&mut self, now: Duration, bytes: u64, took: Duration) {
        self.answered(took);
        let (frame, per_second) = self.link.pace();
        let paid = Duration::from_millis(bytes.saturating_mul(1000) / per_second);
        self.next = now + frame.max(paid) * self.slowdown;
    }

    /// Learns from a frame that answered a key: how long the terminal needed to take it.
    pub(crate) fn answered(&mut self, took: Duration) {
        if took > FULL {
            self.slowdown = (self.slowdown * 2).min(MOST);
        } else if took * 10 < FULL {
            self.slowdown = (self.slowdown - 1).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_streaming_stays_within_the_links_bytes() {
        for (link, bytes, most) in [(Link::Quick, 1_900, 16_000), (Link::Slow, 1_900, 6_000)] {
            let mut governor = Governor::new(link);
            let (mut now, mut sent) = (Duration::ZERO, 0);
            while now < Duration::from_secs(1) {
                sent += bytes;
                governor.drawn(now, bytes, Duration::ZERO);
                now = governor.due();
            }
            assert!(sent <= most, "{link:?} sent {sent}");
        }
    }

    #[test]
    fn a_terminal_that_is_slow_to_take_bytes_gets_fewer_frames() {
        let mut governor = Governor::new(Link::Quick);
        governor.drawn(Duration::ZERO, 100, Duration::from_millis(200));
        governor.drawn(Duration::ZERO, 100, Duration::from_millis(200));
        assert_eq!(governor.due(), Duration::from_millis(400));
        governor.drawn(Duration::ZERO, 100, Duration::ZERO);
        assert!(governor.due() < Duration::from_millis(400));
    }
}
