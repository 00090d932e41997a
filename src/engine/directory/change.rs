//! What a requested change means for the directory: the triggers, the subjects before and after, and the edits.

use std::collections::{BTreeMap, BTreeSet};

use decide::{LoginPlan, local_names, login_plan};
use domain::{
    Change, Claim, Claims, Configuration, Connection, Group, GroupId, LocalRef, NewUser, Object,
    QualifiedName, Request, RoleName, Secret, Source, StoreDomain, Subject, TriggerKind, User,
    UserId,
};
use uuid::Uuid;

use crate::DirectoryChange;
use crate::handle::{DirectoryError, SubmitError};
use crate::journal::Reader;
use crate::keys::{Key, Wanted};

/// A request, understood and checked against the directory; nothing is changed yet.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) steps: Vec<DraftStep>,
    pub(crate) changes: Vec<DirectoryChange>,
    pub(crate) password: Option<Secret>,
}

/// One trigger to be.
#[derive(Debug)]
pub(crate) struct DraftStep {
    pub(crate) kind: TriggerKind,
    pub(crate) source: Source,
    pub(crate) subject: LocalRef,
    pub(crate) name: QualifiedName,
    pub(crate) role: Option<RoleName>,
    pub(crate) changed: BTreeSet<Claim>,
    pub(crate) before: Option<Subject>,
    pub(crate) after: Option<Subject>,
    /// Said in the first step of the trace.
    pub(crate) note: Option<String>,
}

impl DraftStep {
    fn user(kind: TriggerKind, source: Source, before: Option<User>, after: Option<User>) -> Self {
        let subject = after.as_ref().or(before.as_ref());
        let (id, name) = subject.map_or_else(
            || (UserId(Uuid::nil()), QualifiedName::new("")),
            |user| (user.id, user.name.clone()),
        );
        Self {
            kind,
            source,
            subject: LocalRef::User(id),
            name,
            role: None,
            changed: changed(before.as_ref(), after.as_ref()),
            before: before.map(Subject::User),
            after: after.map(Subject::User),
            note: None,
        }
    }

    fn group(
        kind: TriggerKind,
        source: Source,
        before: Option<Group>,
        after: Option<Group>,
    ) -> Self {
        let subject = after.as_ref().or(before.as_ref());
        let (id, name) = subject.map_or_else(
            || (GroupId(Uuid::nil()), QualifiedName::new("")),
            |group| (group.id, group.name.clone()),
        );
        Self {
            kind,
            source,
            subject: LocalRef::Group(id),
            name,
            role: None,
            changed: BTreeSet::new(),
            before: before.map(Subject::Group),
            after: after.map(Subject::Group),
            note: None,
        }
    }
}

fn changed(before: Option<&User>, after: Option<&User>) -> BTreeSet<Claim> {
    let (Some(before), Some(after)) = (before, after) else {
        return BTreeSet::new();
    };
    before
        .claims
        .keys()
        .chain(after.claims.keys())
        .filter(|claim| before.claims.get(*claim) != after.claims.get(*claim))
        .cloned()
        .collect()
}

/// Returns the keys that a request must hold while it is decided.
///
/// A role that somebody is given stays as it is meanwhile. Who holds a role that changes says the draft only:
/// [`Draft::missing`].
pub(crate) fn keys(request: &Request, configuration: &Configuration) -> Wanted {
    let all =
        |roles: &BTreeSet<RoleName>| -> BTreeSet<Key> { roles.iter().map(Key::role).collect() };
    let mut wanted = Wanted {
        alone: subjects(request, configuration),
        beside: match &request.change {
            Change::CreateUser { user: new, .. } | Change::LogIn { identity: new } => {
                all(&new.roles)
            }
            Change::AssignRole { role, .. } => BTreeSet::from([Key::role(role)]),
            _ => BTreeSet::new(),
        },
    };
    match &request.change {
        Change::CreateRole { role, .. } | Change::DeleteRole { role } => {
            wanted.alone.insert(Key::role(role));
        }
        Change::RenameRole { role, to } => {
            wanted.alone.insert(Key::role(role));
            wanted.alone.insert(Key::role(&role.renamed(to)));
        }
        _ => {}
    }
    wanted
}

/// Returns the keys of the users and groups that a request names.
fn subjects(request: &Request, configuration: &Configuration) -> BTreeSet<Key> {
    let user = |name: &QualifiedName| Key::local(Object::User, name);
    let group = |name: &QualifiedName| Key::local(Object::Group, name);
    match &request.change {
        Change::CreateUser { user: new, .. } => std::iter::once(user(&new.name))
            .chain(new.groups.iter().map(group))
            .collect(),
        Change::UpdateUser {
            user: name, rename, ..
        } => std::iter::once(user(name))
            .chain(rename.iter().map(|to| user(&name.renamed(to))))
            .collect(),
        Change::DeleteUser { user: name }
        | Change::SetPassword { user: name, .. }
        | Change::AssignRole { user: name, .. }
        | Change::RevokeRole { user: name, .. } => BTreeSet::from([user(name)]),
        Change::LogIn { identity } => {
            let connection = request
                .connection
                .as_ref()
                .and_then(|id| configuration.connection(id));
            match connection {
                Some(connection) => login_names(connection, identity, configuration)
                    .iter()
                    .map(user)
                    .collect(),
                None => BTreeSet::from([user(&identity.name)]),
            }
        }
        Change::CreateRole { holders, .. } => holders.iter().map(user).collect(),
        Change::RenameRole { .. } | Change::DeleteRole { .. } => BTreeSet::new(),
        Change::CreateGroup { group: name, .. }
        | Change::ChangeGroup { group: name, .. }
        | Change::DeleteGroup { group: name } => BTreeSet::from([group(name)]),
        Change::RenameGroup { group: name, to } => {
            BTreeSet::from([group(name), group(&name.renamed(to))])
        }
    }
}

fn login_names(
    connection: &Connection,
    identity: &NewUser,
    configuration: &Configuration,
) -> Vec<QualifiedName> {
    local_names(
        connection,
        identity,
        &configuration.organization.user_stores,
    )
}

/// Understands a request.
pub(crate) struct Drafter<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) reader: &'a Reader,
    /// Makes ids.
    pub(crate) ids: &'a dyn Fn() -> Uuid,
}

impl Drafter<'_> {
    pub(crate) fn draft(&self, request: &Request) -> Result<Draft, SubmitError> {
        let source = request.source;
        match &request.change {
            Change::CreateUser { user, password } => {
                self.create_user(user, password.clone(), source)
            }
            Change::UpdateUser {
                user,
                set,
                remove,
                rename,
            } => self.update_user(user, set, remove, rename.as_deref(), source),
            Change::DeleteUser { user } => {
                let before = self.user(user)?;
                let groups = before
                    .groups
                    .iter()
                    .map(|name| self.group(name))
                    .collect::<Result<Vec<_>, _>>()?;
                let id = before.id;
                let mut draft = Draft {
                    changes: Vec::new(),
                    steps: vec![DraftStep::user(
                        TriggerKind::UserDeleted,
                        source,
                        Some(before),
                        None,
                    )],
                    password: None,
                };
                for group in groups {
                    draft.leave(group, id, source);
                }
                draft.changes.push(DirectoryChange::UserRemoved(id));
                Ok(draft)
            }
            Change::SetPassword { user, password } => {
                let user = self.user(user)?;
                let kind = TriggerKind::PasswordChanged;
                Ok(Draft {
                    steps: vec![DraftStep::user(
                        kind,
                        source,
                        Some(user.clone()),
                        Some(user),
                    )],
                    changes: Vec::new(),
                    password: Some(password.clone()),
                })
            }
            Change::LogIn { identity } => self.log_in(identity, request),
            Change::AssignRole { user, role } => self.role(user, role, true, source),
            Change::RevokeRole { user, role } => self.role(user, role, false, source),
            Change::CreateRole { role, holders } => self.create_role(role, holders, source),
            Change::RenameRole { role, to } => self.rename_role(role, to, source),
            Change::DeleteRole { role } => self.delete_role(role, source),
            Change::CreateGroup { group, members } => self.create_group(group, members, source),
            Change::ChangeGroup { group, add, remove } => {
                self.change_group(group, add, remove, source)
            }
            Change::RenameGroup { group, to } => {
                let before = self.group(group)?;
                let name = group.renamed(to);
                self.usable_name(&name)?;
                if let Some(taken) = self.reader.group(&name)?
                    && taken.id != before.id
                {
                    return Err(taken_name(Object::Group, taken.name));
                }
                let after = Group {
                    name: name.clone(),
                    ..before.clone()
                };
                let put = DirectoryChange::GroupPut {
                    id: before.id,
                    name,
                };
                let kind = TriggerKind::GroupRenamed;
                Ok(Draft {
                    steps: vec![DraftStep::group(kind, source, Some(before), Some(after))],
                    changes: vec![put],
                    password: None,
                })
            }
            Change::DeleteGroup { group } => {
                let before = self.group(group)?;
                Ok(Draft {
                    changes: vec![DirectoryChange::GroupRemoved(before.id)],
                    steps: vec![DraftStep::group(
                        TriggerKind::GroupDeleted,
                        source,
                        Some(before),
                        None,
                    )],
                    password: None,
                })
            }
        }
    }

    fn create_user(
        &self,
        new: &NewUser,
        password: Option<Secret>,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        no_password(&new.claims)?;
        self.usable_name(&new.name)?;
        if let Some(taken) = self.reader.user(&new.name)? {
            return Err(taken_name(Object::User, taken.name));
        }
        self.known_roles(&new.roles)?;
        let groups = new
            .groups
            .iter()
            .map(|name| self.group(name))
            .collect::<Result<Vec<_>, _>>()?;
        let user = User {
            id: UserId((self.ids)()),
            name: new.name.clone(),
            claims: new.claims.clone(),
            roles: new.roles.clone(),
            groups: groups.iter().map(|group| group.name.clone()).collect(),
        };
        let mut draft = Draft {
            steps: Vec::new(),
            changes: vec![DirectoryChange::UserPut(user.clone())],
            password,
        };
        for group in groups {
            draft.join(group, &user, source);
        }
        let created = DraftStep::user(TriggerKind::UserCreated, source, None, Some(user));
        draft.steps.insert(0, created);
        Ok(draft)
    }

    fn update_user(
        &self,
        name: &QualifiedName,
        set: &Claims,
        remove: &BTreeSet<Claim>,
        rename: Option<&str>,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        no_password(set)?;
        let before = self.user(name)?;
        let mut after = before.clone();
        after.claims.extend(set.clone());
        after.claims.retain(|claim, _| !remove.contains(claim));
        if let Some(to) = rename {
            let to = before.name.renamed(to);
            self.usable_name(&to)?;
            if let Some(taken) = self.reader.user(&to)?
                && taken.id != before.id
            {
                return Err(taken_name(Object::User, taken.name));
            }
            after.name = to;
        }
        Ok(Draft::of_user(
            TriggerKind::UserUpdated,
            source,
            before,
            after,
        ))
    }

    fn role(
        &self,
        name: &QualifiedName,
        role: &RoleName,
        assign: bool,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        let before = self.user(name)?;
        // What somebody holds can be taken away, whoever knows of it still.
        if assign || !before.roles.contains(role) {
            self.known_roles(&BTreeSet::from([role.clone()]))?;
        }
        let mut after = before.clone();
        let kind = if assign {
            after.roles.insert(role.clone());
            TriggerKind::RoleAssigned
        } else {
            after.roles.remove(role);
            TriggerKind::RoleRevoked
        };
        let mut draft = Draft::of_user(kind, source, before, after);
        draft.steps[0].role = Some(role.clone());
        Ok(draft)
    }

    fn create_role(
        &self,
        role: &RoleName,
        holders: &BTreeSet<QualifiedName>,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        usable_role(role)?;
        let taken = if self.reader.has_role(role)? {
            Some(role.clone())
        } else {
            let key = Key::role(role);
            let is_like =
                |roles: &BTreeSet<RoleName>| roles.iter().any(|held| Key::role(held) == key);
            self.taken_role(role, role, &self.reader.holding(is_like)?)?
        };
        if let Some(taken) = taken {
            return Err(DirectoryError::RoleTaken { role: taken }.into());
        }
        let holders = holders
            .iter()
            .map(|name| self.user(name).map(|user| (user.id, user)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let mut draft = Draft {
            changes: vec![DirectoryChange::RolePut(role.clone())],
            ..Draft::default()
        };
        let told = format!("role {role} was created");
        for before in holders.into_values() {
            let mut after = before.clone();
            after.roles.insert(role.clone());
            let ways = [(TriggerKind::RoleAssigned, role)];
            draft.hand(&before, &after, &ways, source, &told);
        }
        Ok(draft)
    }

    /// Renaming takes the old name from each holder and gives the new one: connections know roles by their names. Both
    /// triggers see the user with the new name, so that one whom a connection wants under either name stays there.
    fn rename_role(&self, role: &RoleName, to: &str, source: Source) -> Result<Draft, SubmitError> {
        let to = role.renamed(to);
        usable_role(&to)?;
        if to.audience() != role.audience() {
            return Err(DirectoryError::Unusable {
                told: format!(
                    "a role keeps its audience when it is renamed, and {role} is of {}; create {to} instead",
                    role.audience()
                ),
            }
            .into());
        }
        let key = Key::role(&to);
        let is_involved = |held: &RoleName| held == role || Key::role(held) == key;
        let involved = self.reader.holding(|roles| roles.iter().any(is_involved))?;
        let is_holder = |user: &User| user.roles.contains(role);
        self.standing_role(role, involved.iter().any(is_holder))?;
        if to == *role {
            return Err(DirectoryError::Unusable {
                told: format!("role {role} has that name already"),
            }
            .into());
        }
        if let Some(taken) = self.taken_role(&to, role, &involved)? {
            return Err(DirectoryError::RoleTaken { role: taken }.into());
        }
        let told = format!("role {role} was renamed {to}");
        let mut draft = Draft::default();
        for before in involved.into_iter().filter(is_holder) {
            let mut after = before.clone();
            after.roles.remove(role);
            after.roles.insert(to.clone());
            let ways = [
                (TriggerKind::RoleRevoked, role),
                (TriggerKind::RoleAssigned, &to),
            ];
            draft.hand(&before, &after, &ways, source, &told);
        }
        draft.changes.push(DirectoryChange::RoleRenamed {
            role: role.clone(),
            to,
        });
        Ok(draft)
    }

    fn delete_role(&self, role: &RoleName, source: Source) -> Result<Draft, SubmitError> {
        let holders = self.reader.holders(role)?;
        self.standing_role(role, !holders.is_empty())?;
        let told = format!("role {role} was deleted");
        let mut draft = Draft::default();
        for before in holders {
            let mut after = before.clone();
            after.roles.remove(role);
            let ways = [(TriggerKind::RoleRevoked, role)];
            draft.hand(&before, &after, &ways, source, &told);
        }
        draft
            .changes
            .push(DirectoryChange::RoleRemoved(role.clone()));
        Ok(draft)
    }

    fn create_group(
        &self,
        name: &QualifiedName,
        members: &BTreeSet<QualifiedName>,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        self.usable_name(name)?;
        if let Some(taken) = self.reader.group(name)? {
            return Err(taken_name(Object::Group, taken.name));
        }
        let group = Group {
            id: GroupId((self.ids)()),
            name: name.clone(),
            members: self.members(members)?,
        };
        Ok(Draft {
            changes: DirectoryChange::group(&group).to_vec(),
            steps: vec![DraftStep::group(
                TriggerKind::GroupCreated,
                source,
                None,
                Some(group),
            )],
            password: None,
        })
    }

    fn change_group(
        &self,
        name: &QualifiedName,
        add: &BTreeSet<QualifiedName>,
        remove: &BTreeSet<QualifiedName>,
        source: Source,
    ) -> Result<Draft, SubmitError> {
        let before = self.group(name)?;
        let added = self.members(add)?;
        let removed = self.members(remove)?;
        let mut after = before.clone();
        after.members.extend(&added);
        after.members.retain(|member| !removed.contains(member));
        let change = DirectoryChange::MembersChanged {
            group: before.id,
            added: after.members.difference(&before.members).copied().collect(),
            removed: before.members.difference(&after.members).copied().collect(),
        };
        Ok(Draft {
            steps: vec![DraftStep::group(
                TriggerKind::GroupChanged,
                source,
                Some(before),
                Some(after),
            )],
            changes: vec![change],
            password: None,
        })
    }

    /// A federated login: just-in-time provisioning first, then the login itself, in one flow.
    fn log_in(&self, identity: &NewUser, request: &Request) -> Result<Draft, SubmitError> {
        no_password(&identity.claims)?;
        let Some(id) = &request.connection else {
            return Err(DirectoryError::Unusable {
                told: "a login needs the connection through which it came".to_owned(),
            }
            .into());
        };
        let connection = self.configuration.connection(id).ok_or_else(|| {
            SubmitError::from(DirectoryError::ConnectionUnknown {
                connection: id.to_string(),
            })
        })?;
        let mut existing = None;
        for name in login_names(connection, identity, self.configuration) {
            existing = self.reader.user(&name)?;
            if existing.is_some() {
                break;
            }
        }
        match login_plan(connection, identity, existing.as_ref()) {
            LoginPlan::Create(new) => {
                let (new, unknown) = self.without_unknown(new)?;
                let mut draft = self.create_user(&new, None, Source::Jit)?;
                draft.steps[0].note = unknown;
                let Some(Subject::User(user)) = draft.steps[0].after.clone() else {
                    return Ok(draft);
                };
                draft.steps.push(login(Some(user)));
                Ok(draft)
            }
            LoginPlan::Update {
                set,
                remove,
                assign,
                revoke,
            } => {
                let before = existing.ok_or_else(|| DirectoryError::UserUnknown {
                    name: identity.name.clone(),
                })?;
                let mut after = before.clone();
                after.claims.extend(set);
                after.claims.retain(|claim, _| !remove.contains(claim));
                let mut unknown = Vec::new();
                for role in assign {
                    if self.is_known_role(&role)? {
                        after.roles.insert(role);
                    } else {
                        unknown.push(role.to_string());
                    }
                }
                after.roles.retain(|role| !revoke.contains(role));
                let mut draft = if after == before {
                    Draft::default()
                } else {
                    let kind = TriggerKind::UserUpdated;
                    Draft::of_user(kind, Source::Jit, before, after.clone())
                };
                draft.steps.push(login(Some(after)));
                draft.steps[0].note = unknown_text(&unknown);
                Ok(draft)
            }
            LoginPlan::NoLocalUser(why) => {
                let mut step = login(None);
                step.subject = LocalRef::User(UserId((self.ids)()));
                step.name = identity.name.clone();
                step.note = Some(why);
                Ok(Draft {
                    steps: vec![step],
                    ..Draft::default()
                })
            }
        }
    }

    /// Leaves out the roles and groups of a federated identity that do not exist here, and says so.
    fn without_unknown(&self, mut new: NewUser) -> Result<(NewUser, Option<String>), SubmitError> {
        let mut unknown = Vec::new();
        for role in std::mem::take(&mut new.roles) {
            if self.is_known_role(&role)? {
                new.roles.insert(role);
            } else {
                unknown.push(role.to_string());
            }
        }
        for group in std::mem::take(&mut new.groups) {
            if self.reader.group(&group)?.is_some() {
                new.groups.insert(group);
            } else {
                unknown.push(group.to_string());
            }
        }
        Ok((new, unknown_text(&unknown)))
    }

    fn user(&self, name: &QualifiedName) -> Result<User, SubmitError> {
        self.store(&name.store)?;
        self.reader
            .user(name)?
            .ok_or_else(|| DirectoryError::UserUnknown { name: name.clone() }.into())
    }

    fn group(&self, name: &QualifiedName) -> Result<Group, SubmitError> {
        self.store(&name.store)?;
        self.reader
            .group(name)?
            .ok_or_else(|| DirectoryError::GroupUnknown { name: name.clone() }.into())
    }

    fn members(&self, names: &BTreeSet<QualifiedName>) -> Result<BTreeSet<UserId>, SubmitError> {
        names
            .iter()
            .map(|name| self.user(name).map(|user| user.id))
            .collect()
    }

    fn store(&self, store: &StoreDomain) -> Result<(), DirectoryError> {
        known_store(self.configuration, store)
    }

    fn usable_name(&self, name: &QualifiedName) -> Result<(), DirectoryError> {
        self.store(&name.store)?;
        usable(&name.name, &name.to_string())
    }

    fn known_roles(&self, roles: &BTreeSet<RoleName>) -> Result<(), SubmitError> {
        for role in roles {
            if !self.is_known_role(role)? {
                return Err(self.role_unknown(role)?.into());
            }
        }
        Ok(())
    }

    fn role_unknown(&self, role: &RoleName) -> Result<DirectoryError, SubmitError> {
        let roles = self.reader.roles()?;
        let keys: BTreeSet<Key> = roles.iter().map(Key::role).collect();
        let mut known: BTreeSet<String> = roles.iter().map(ToString::to_string).collect();
        let named = self.configured_roles();
        let named = named.filter(|role| !keys.contains(&Key::role(role)));
        known.extend(named.map(ToString::to_string));
        Ok(DirectoryError::RoleUnknown {
            role: role.clone(),
            known: known.into_iter().collect(),
        })
    }

    /// Returns a role that has a name without regard to case, other than the one that is to get it: a role of the directory,
    /// one that somebody of these users holds, or one that a connection names in another spelling.
    ///
    /// What only a connection names, and nobody holds, is nobody's yet: in the same spelling it may be created, or be the new
    /// name of another role.
    fn taken_role(
        &self,
        name: &RoleName,
        own: &RoleName,
        users: &[User],
    ) -> Result<Option<RoleName>, SubmitError> {
        let wanted = Key::role(name);
        let is_like = |known: &&RoleName| *known != own && Key::role(known) == wanted;
        let roles = self.reader.roles()?;
        let held = users.iter().flat_map(|user| &user.roles);
        let mut named = self.configured_roles().filter(|known| *known != name);
        let taken = roles.iter().chain(held).find(is_like);
        Ok(taken.or_else(|| named.find(is_like)).cloned())
    }

    /// Checks that there is a role to rename or delete: one that the directory knows, or that somebody holds because a
    /// connection names it.
    fn standing_role(&self, role: &RoleName, is_held: bool) -> Result<(), SubmitError> {
        if is_held || self.reader.has_role(role)? {
            return Ok(());
        }
        let naming: Vec<&str> = self
            .configuration
            .connections
            .iter()
            .filter(|connection| connection.outbound_roles.contains(role))
            .map(|connection| connection.id.0.as_str())
            .collect();
        if naming.is_empty() {
            return Err(self.role_unknown(role)?.into());
        }
        Err(DirectoryError::Unusable {
            told: format!(
                "role {role} is not in the directory and nobody holds it: only the outbound roles of connection {} name \
                 it, so it is changed there",
                naming.join(", ")
            ),
        }
        .into())
    }

    /// A role exists when the directory knows it; or when a connection's outbound roles name it, and the directory has none
    /// that differs in case alone.
    fn is_known_role(&self, role: &RoleName) -> Result<bool, SubmitError> {
        if self.reader.has_role(role)? {
            return Ok(true);
        }
        if !self.configured_roles().any(|known| known == role) {
            return Ok(false);
        }
        let key = Key::role(role);
        let roles = self.reader.roles()?;
        Ok(roles.iter().all(|known| Key::role(known) != key))
    }

    fn configured_roles(&self) -> impl Iterator<Item = &RoleName> {
        self.configuration
            .connections
            .iter()
            .flat_map(|connection| &connection.outbound_roles)
    }
}

impl Draft {
    fn of_user(kind: TriggerKind, source: Source, before: User, after: User) -> Self {
        let changes = if before == after {
            Vec::new()
        } else {
            vec![DirectoryChange::UserPut(after.clone())]
        };
        Self {
            steps: vec![DraftStep::user(kind, source, Some(before), Some(after))],
            changes,
            password: None,
        }
    }

    /// Adds that a user gets or loses roles because a role changes; `told` says what happened to the role.
    fn hand(
        &mut self,
        before: &User,
        after: &User,
        ways: &[(TriggerKind, &RoleName)],
        source: Source,
        told: &str,
    ) {
        for (kind, role) in ways {
            let (before, after) = (Some(before.clone()), Some(after.clone()));
            let mut step = DraftStep::user(*kind, source, before, after);
            step.role = Some((*role).clone());
            step.note = Some(told.to_owned());
            self.steps.push(step);
        }
        if before != after {
            self.changes.push(DirectoryChange::UserPut(after.clone()));
        }
    }

    /// Returns the keys of the holders of a role that changes, or of the groups of a user who comes with a login or leaves, as
    /// far as they are not held: who they are is not known before the directory is read, and it is sure only once their
    /// keys are held.
    pub(crate) fn missing(&self, request: &Request, held: &Wanted) -> BTreeSet<Key> {
        let object = match request.change {
            Change::RenameRole { .. } | Change::DeleteRole { .. } => Object::User,
            // A group is written as a whole: of two who change it at once, neither would know of the other's change.
            Change::DeleteUser { .. } | Change::LogIn { .. } => Object::Group,
            _ => return BTreeSet::new(),
        };
        self.steps
            .iter()
            .filter(|step| step.subject.object() == object)
            .map(|step| Key::local(object, &step.name))
            .filter(|key| !held.alone.contains(key))
            .collect()
    }

    /// Returns the users whose accounts count for what becomes of groups: those who get into one. A draft that changes
    /// nothing is about the whole group as it is.
    pub(crate) fn joining(&self) -> BTreeSet<UserId> {
        if self.changes.is_empty() {
            let groups = self.steps.iter().filter_map(|step| match &step.after {
                Some(Subject::Group(group)) => Some(&group.members),
                _ => None,
            });
            return groups.flatten().copied().collect();
        }
        let added = self.changes.iter().filter_map(|change| match change {
            DirectoryChange::MembersChanged { added, .. } => Some(added),
            _ => None,
        });
        added.flatten().copied().collect()
    }

    /// Adds a group's change because a new user is in it.
    fn join(&mut self, before: Group, user: &User, source: Source) {
        let mut after = before.clone();
        after.members.insert(user.id);
        self.members_changed(before, after, source);
    }

    /// Adds a group's change because a member is deleted. A target that keeps the account, deactivated, would keep the
    /// membership too; one that deletes it may leave the member dangling (scim2-server does).
    fn leave(&mut self, before: Group, user: UserId, source: Source) {
        let mut after = before.clone();
        after.members.remove(&user);
        self.members_changed(before, after, source);
    }

    fn members_changed(&mut self, before: Group, after: Group, source: Source) {
        self.changes.push(DirectoryChange::MembersChanged {
            group: before.id,
            added: after.members.difference(&before.members).copied().collect(),
            removed: before.members.difference(&after.members).copied().collect(),
        });
        self.steps.push(DraftStep::group(
            TriggerKind::GroupChanged,
            source,
            Some(before),
            Some(after),
        ));
    }
}

fn login(user: Option<User>) -> DraftStep {
    let kind = TriggerKind::LoggedIn;
    DraftStep::user(kind, Source::Login, user.clone(), user)
}

fn unknown_text(unknown: &[String]) -> Option<String> {
    (!unknown.is_empty()).then(|| {
        format!(
            "left out, not in the local directory: {}",
            unknown.join(", ")
        )
    })
}

/// Checks a name; `whole` is how a person would write it.
fn usable(name: &str, whole: &str) -> Result<(), DirectoryError> {
    let told = if name.trim().is_empty() {
        "it is blank"
    } else if name.trim() != name {
        "it begins or ends with a space"
    } else if name.chars().count() > 255 {
        "it has more than 255 characters"
    } else {
        return Ok(());
    };
    Err(DirectoryError::NameUnusable {
        name: whole.to_owned(),
        told: told.to_owned(),
    })
}

fn usable_role(role: &RoleName) -> Result<(), DirectoryError> {
    usable(role.audience(), role.as_str())?;
    usable(role.short(), role.as_str())
}

fn taken_name(object: Object, name: QualifiedName) -> SubmitError {
    DirectoryError::NameTaken { object, name }.into()
}

/// Tells whether a claim would hold a password, which is kept nowhere.
pub(super) fn names_password(claim: &Claim) -> bool {
    claim.short().eq_ignore_ascii_case("password")
}

/// Refuses a password among the claims: claims are kept, shown and written to the journal.
pub(super) fn no_password(claims: &Claims) -> Result<(), DirectoryError> {
    if claims.keys().any(names_password) {
        return Err(DirectoryError::Unusable {
            told: "`password` is not a claim: claims are kept and shown, so the password goes with the trigger instead"
                .to_owned(),
        });
    }
    Ok(())
}

/// Checks that a user store domain exists.
pub(crate) fn known_store(
    configuration: &Configuration,
    store: &StoreDomain,
) -> Result<(), DirectoryError> {
    let stores = &configuration.organization.user_stores;
    if store.is_primary() || stores.contains(store) {
        return Ok(());
    }
    let mut known = vec![StoreDomain::PRIMARY.to_owned()];
    known.extend(
        stores
            .iter()
            .filter(|store| !store.is_primary())
            .map(ToString::to_string),
    );
    Err(DirectoryError::StoreUnknown {
        store: store.clone(),
        known,
    })
}
