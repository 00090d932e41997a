//! The numbers that ids are made of.

/// Counts what a target creates, and says which number the id of each is made of: none is given twice, and another seed
/// gives other numbers, as another target would.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    /// What the seed adds to every place; nothing for the seed 0.
    base: u64,
    last: u64,
}

impl Numbers {
    /// Lets the ids of what is created from here on depend on a seed.
    pub(crate) fn begin(&mut self, seed: u64) {
        // Leaves room for more objects than a mock will ever hold, in ten digits of a Salesforce id too.
        self.base = mix(seed) >> 11;
    }

    /// Takes the next place in the order of creation; the first one is 1.
    pub(crate) fn draw(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns the place that is drawn next.
    pub(crate) fn coming(&self) -> u64 {
        self.last + 1
    }

    /// Returns the number for the id of what has this place; ordered as the places are.
    pub(crate) fn at(&self, place: u64) -> u64 {
        self.base + place
    }

    /// Goes on where another state of the same target stopped, if that has come further.
    pub(crate) fn go_on(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
    }
}

/// Scatters a number over all others, one to one; 0 stays 0 (the finalizer of SplitMix64).
pub(crate) fn mix(number: u64) -> u64 {
    let mut word = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_moves_all_numbers_and_keeps_their_order() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let mut numbers = Numbers::default();
            numbers.begin(seed);
            let drawn: Vec<u64> = (0..64)
                .map(|_| {
                    let place = numbers.draw();
                    numbers.at(place)
                })
                .collect();
            assert!(drawn.is_sorted());
            seen.extend(drawn);
        }
        assert_eq!(seen.len(), 64 * 64);
        let mut first = Numbers::default();
        assert_eq!((first.draw(), first.at(1)), (1, 1), "seed 0 adds nothing");
    }

    #[test]
    fn a_state_that_is_put_back_goes_on_counting() {
        let mut numbers = Numbers::default();
        let kept = numbers;
        numbers.draw();
        numbers.draw();
        let mut back = kept;
        back.go_on(&numbers);
        assert_eq!(back.coming(), 3);
        back.go_on(&kept);
        assert_eq!(back.draw(), 3);
    }
}
