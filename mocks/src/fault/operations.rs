//! Whether a fault can ever act: the operation it names has to be one that the mock knows.

use super::{
    FaultSpec, SpecError,
    spec::{closest, glob, parts},
};
use crate::Target;

impl FaultSpec {
    /// Checks that the mock it is meant for, or without one any mock, knows the operations it names.
    ///
    /// # Errors
    /// [`SpecError::UnknownOperation`] with what there is.
    pub fn check(&self) -> Result<(), SpecError> {
        match self.target {
            Some(target) => self.check_at(&[target]),
            None => self.check_at(&Target::ALL),
        }
    }

    /// Checks that it is meant for one of these mocks and that they know every operation it names.
    ///
    /// # Errors
    /// [`SpecError::OtherTarget`] and [`SpecError::UnknownOperation`].
    pub fn check_at(&self, targets: &[Target]) -> Result<(), SpecError> {
        let meant: Vec<Target> = match self.target {
            Some(target) if targets.contains(&target) => vec![target],
            Some(wanted) => {
                let here: Vec<&str> = targets.iter().map(|target| target.name()).collect();
                let here = here.join(", ");
                return Err(SpecError::OtherTarget { wanted, here });
            }
            None => targets.to_vec(),
        };
        let known: Vec<_> = meant
            .into_iter()
            .map(|target| (target.name(), target.operations()))
            .collect();
        let strange = self
            .patterns()
            .find(|pattern| !known.iter().any(|(_, names)| fits_any(pattern, names)));
        strange.map_or(Ok(()), |pattern| Err(self.unknown(pattern, known)))
    }

    /// Checks that one mock knows an operation it names; the others may belong to another target.
    pub(crate) fn check_here(
        &self,
        here: &'static str,
        own: Vec<&'static str>,
    ) -> Result<(), SpecError> {
        let elsewhere = |pattern: &str| {
            Target::ALL
                .iter()
                .any(|target| fits_any(pattern, &target.operations()))
        };
        let mut own_ones = 0;
        for pattern in self.patterns() {
            if fits_any(pattern, &own) {
                own_ones += 1;
            } else if !elsewhere(pattern) {
                return Err(self.unknown(pattern, vec![(here, own)]));
            }
        }
        match &self.on.operation {
            Some(operation) if own_ones == 0 => Err(self.unknown(operation, vec![(here, own)])),
            _ => Ok(()),
        }
    }

    /// Returns what is wrong with each setting of a specification by itself at a mock, in the order in which they are
    /// written: a form says all of it at once. What two settings are not together is not among it.
    pub fn mistakes(text: &str, target: Target) -> Vec<SpecError> {
        let (name, _) = text.split_once(':').unwrap_or((text, ""));
        let alone = |part: String| {
            let spec = format!("{name}:{part}").parse::<FaultSpec>();
            let checked = spec.and_then(|spec| match spec.target {
                Some(wanted) if wanted != target => Err(SpecError::OtherTarget {
                    wanted,
                    here: target.name().to_owned(),
                }),
                _ => spec.check_here(target.name(), target.operations()),
            });
            checked.err()
        };
        parts(text).into_iter().filter_map(alone).collect()
    }

    /// Tells whether it can act at a mock.
    pub(crate) fn acts_at(&self, target: Target) -> bool {
        let names = target.operations();
        self.target.is_none_or(|wanted| wanted == target)
            && (self.on.operation.is_none()
                || self.patterns().any(|pattern| fits_any(pattern, &names)))
    }

    fn patterns(&self) -> impl Iterator<Item = &str> {
        let all = self.on.operation.iter();
        all.flat_map(|operation| operation.split('|').map(str::trim))
    }

    fn unknown(
        &self,
        operation: &str,
        mut known: Vec<(&'static str, Vec<&'static str>)>,
    ) -> SpecError {
        let all: Vec<&str> = known.iter().flat_map(|(_, names)| names.clone()).collect();
        let did_you_mean = closest(operation, &all);
        if let Some(meant) = did_you_mean {
            // One mock's list says it; three would bury the guess.
            known.retain(|(_, names)| names.contains(&meant));
        }
        SpecError::UnknownOperation {
            fault: self.effect.fault(),
            operation: operation.to_owned(),
            did_you_mean,
            known,
        }
    }
}

fn fits_any(pattern: &str, names: &[&str]) -> bool {
    names.iter().any(|name| glob(pattern, name))
}
