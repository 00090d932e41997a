//! What was accepted at the target is left there: the desired account takes the target's value in its place.

use domain::{ConnectorRef, Desired, Exceptions, Link, Resolution};
use serde_json::Value;

use super::same::is_same;
use crate::Decider;
use crate::shape::name_attribute;
use crate::target::Target;

impl Decider<'_> {
    /// Gives a desired account the values that were accepted at the target, right before it is sent.
    ///
    /// Whether an account may be used and who is in a group are not desired attributes: what was accepted there is left
    /// alone because the link still says what was last written, so that no difference is sent.
    pub fn heed(&self, connector: &ConnectorRef, desired: &mut Desired, link: &Link) {
        if link.exceptions.is_empty() || link.gone {
            return;
        }
        if let Some(target) = self.target(connector) {
            heed(&target, desired, &link.exceptions);
        }
    }
}

/// Does the same, and says which fields stay as they are.
pub(crate) fn heed(
    target: &Target<'_>,
    desired: &mut Desired,
    exceptions: &Exceptions,
) -> Vec<String> {
    let spec = &target.kind.target;
    let mut said = Vec::new();
    let accepted = exceptions
        .iter()
        .filter(|(_, exception)| exception.resolution == Resolution::Accept);
    for (field, exception) in accepted {
        let stays = |ours: &Value| is_same(spec, field, ours, &exception.desired);
        if field == name_attribute(Some(target), desired.object()) {
            let ours = Value::from(desired.remote_name.as_str());
            if let (true, Some(name)) = (stays(&ours), exception.actual.as_str()) {
                name.clone_into(&mut desired.remote_name);
                said.push(text(field, &exception.actual, &ours));
            }
            continue;
        }
        let attribute = desired
            .attributes
            .iter_mut()
            .find(|attribute| attribute.remote == *field);
        if let Some(attribute) = attribute
            && stays(&attribute.value)
        {
            said.push(text(field, &exception.actual, &attribute.value));
            attribute.value = exception.actual.clone();
        }
    }
    said
}

fn text(field: &str, actual: &Value, ours: &Value) -> String {
    format!("{field} stays {actual}: accepted as the target has it, where ours would be {ours}")
}
