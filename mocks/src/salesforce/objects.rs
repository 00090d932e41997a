//! The object types this mock keeps and their fields, in the order in which the vendor lists them.
//!
//! Source: Object Reference and Field Reference (`sfFieldRef`), User, Profile, UserLicense, Organization, UserRole,
//! PermissionSet, PermissionSetAssignment, Group, GroupMember.

use super::{
    picklists,
    schema::{
        CALCULATED, CREATE, DEFAULTED, EXTERNAL, Field, Kind, LOOKUP, NAME, NILLABLE, ObjectType,
        RESTRICTED, UNIQUE, WRITE,
    },
};

/// Lists every object type; the places are named in `schema`.
pub(crate) fn all() -> Vec<ObjectType> {
    vec![
        user(),
        profile(),
        licence(),
        organization(),
        role(),
        permission_set(),
        assignment(),
        group(),
        group_member(),
    ]
}

fn text(name: &'static str, label: &'static str, length: usize, flags: u16) -> Field {
    Field::new(name, label, Kind::Text, length, flags)
}

fn flag(name: &'static str, label: &'static str, flags: u16) -> Field {
    Field::new(name, label, Kind::Boolean, 0, flags | DEFAULTED)
}

fn reference(
    name: &'static str,
    label: &'static str,
    object: &'static str,
    way: &'static str,
    flags: u16,
) -> Field {
    Field::new(name, label, Kind::Reference, 18, flags).refers(object, way)
}

fn moment(name: &'static str, label: &'static str, flags: u16) -> Field {
    Field::new(name, label, Kind::DateTime, 0, flags)
}

fn id(label: &'static str) -> Field {
    Field::new("Id", label, Kind::Id, 18, DEFAULTED | LOOKUP)
}

/// The five fields the vendor keeps on every record.
fn audit() -> Vec<Field> {
    vec![
        moment("CreatedDate", "Created Date", DEFAULTED),
        reference(
            "CreatedById",
            "Created By ID",
            "User",
            "CreatedBy",
            DEFAULTED,
        ),
        moment("LastModifiedDate", "Last Modified Date", DEFAULTED),
        reference(
            "LastModifiedById",
            "Last Modified By ID",
            "User",
            "LastModifiedBy",
            DEFAULTED,
        ),
        moment("SystemModstamp", "System Modstamp", DEFAULTED),
    ]
}

fn object(
    name: &'static str,
    plural: &'static str,
    prefix: &'static str,
    label: &'static str,
    fields: Vec<Field>,
) -> ObjectType {
    let mut all = vec![id(label)];
    all.extend(fields);
    all.extend(audit());
    ObjectType::new(name, plural, prefix, all)
}

fn user() -> ObjectType {
    const OPTIONAL: u16 = WRITE | NILLABLE;
    let pick = |name, label, choices, flags| {
        Field::new(name, label, Kind::Picklist, 40, flags | RESTRICTED).choices(choices)
    };
    let mut fields = vec![
        id("User ID"),
        text("Username", "Username", 80, WRITE | UNIQUE | LOOKUP),
        text("LastName", "Last Name", 80, WRITE),
        text("FirstName", "First Name", 40, OPTIONAL),
        text("Name", "Full Name", 121, NAME | CALCULATED),
        text("CompanyName", "Company Name", 80, OPTIONAL),
        text("Division", "Division", 80, OPTIONAL),
        text("Department", "Department", 80, OPTIONAL),
        text("Title", "Title", 80, OPTIONAL),
        Field::new("Street", "Street", Kind::TextArea, 255, OPTIONAL),
        text("City", "City", 40, OPTIONAL),
        text("State", "State/Province", 80, OPTIONAL),
        text("PostalCode", "Zip/Postal Code", 20, OPTIONAL),
        text("Country", "Country", 80, OPTIONAL),
        Field::new("Latitude", "Latitude", Kind::Double, 0, OPTIONAL),
        Field::new("Longitude", "Longitude", Kind::Double, 0, OPTIONAL),
        Field::new(
            "GeocodeAccuracy",
            "Geocode Accuracy",
            Kind::Picklist,
            40,
            OPTIONAL | RESTRICTED,
        )
        .choices(&[
            ("Address", "Address"),
            ("City", "City"),
            ("Street", "Street"),
            ("Zip", "Zip"),
        ]),
        Field::new("Address", "Address", Kind::Address, 0, NILLABLE),
        Field::new("Email", "Email", Kind::Email, 128, WRITE | LOOKUP),
        flag("EmailPreferencesAutoBcc", "AutoBcc", WRITE),
        flag(
            "EmailPreferencesAutoBccStayInTouch",
            "AutoBccStayInTouch",
            WRITE,
        ),
        flag(
            "EmailPreferencesStayInTouchReminder",
            "StayInTouchReminder",
            WRITE,
        ),
        Field::new(
            "SenderEmail",
            "Email Sender Address",
            Kind::Email,
            80,
            OPTIONAL,
        ),
        text("SenderName", "Email Sender Name", 80, OPTIONAL),
        Field::new(
            "Signature",
            "Email Signature",
            Kind::TextArea,
            1333,
            OPTIONAL,
        ),
        text(
            "StayInTouchSubject",
            "Stay-in-Touch Email Subject",
            80,
            OPTIONAL,
        ),
        Field::new(
            "StayInTouchSignature",
            "Stay-in-Touch Email Signature",
            Kind::TextArea,
            512,
            OPTIONAL,
        ),
        Field::new(
            "StayInTouchNote",
            "Stay-in-Touch Email Note",
            Kind::TextArea,
            512,
            OPTIONAL,
        ),
        Field::new("Phone", "Phone", Kind::Phone, 40, OPTIONAL),
        Field::new("Fax", "Fax", Kind::Phone, 40, OPTIONAL),
        Field::new("MobilePhone", "Mobile", Kind::Phone, 40, OPTIONAL),
        text("Alias", "Alias", 8, WRITE),
        text(
            "CommunityNickname",
            "Nickname",
            40,
            WRITE | UNIQUE | DEFAULTED,
        ),
        text("BadgeText", "User Photo badge text overlay", 80, NILLABLE),
        flag("IsActive", "Active", WRITE),
        pick("TimeZoneSidKey", "Time Zone", picklists::TIME_ZONES, WRITE),
        reference("UserRoleId", "Role ID", "UserRole", "UserRole", OPTIONAL),
        pick("LocaleSidKey", "Locale", picklists::LOCALES, WRITE),
        flag("ReceivesInfoEmails", "Info Emails", WRITE),
        flag("ReceivesAdminInfoEmails", "Admin Info Emails", WRITE),
        pick(
            "EmailEncodingKey",
            "Email Encoding",
            picklists::EMAIL_ENCODINGS,
            WRITE,
        ),
        reference("ProfileId", "Profile ID", "Profile", "Profile", WRITE),
        pick("UserType", "User Type", picklists::USER_TYPES, NILLABLE),
        text("StartDay", "Start of Day", 40, NILLABLE),
        text("EndDay", "End of Day", 40, NILLABLE),
        pick("LanguageLocaleKey", "Language", picklists::LANGUAGES, WRITE),
        text("EmployeeNumber", "Employee Number", 20, OPTIONAL),
        reference(
            "DelegatedApproverId",
            "Delegated Approver ID",
            "User",
            "DelegatedApprover",
            OPTIONAL,
        ),
        reference("ManagerId", "Manager ID", "User", "Manager", OPTIONAL),
        moment("LastLoginDate", "Last Login", NILLABLE),
        moment(
            "LastPasswordChangeDate",
            "Last Password Change or Reset",
            NILLABLE,
        ),
    ];
    fields.extend(audit());
    fields.extend([
        moment(
            "PasswordExpirationDate",
            "Password Expiration Date",
            NILLABLE,
        ),
        Field::new(
            "NumberOfFailedLogins",
            "Failed Login Attempts",
            Kind::Integer,
            0,
            NILLABLE,
        ),
    ]);
    fields.extend(
        USER_PERMISSIONS
            .iter()
            .map(|&(name, label)| flag(name, label, WRITE)),
    );
    fields.extend([flag("ForecastEnabled", "Allow Forecasting", WRITE)]);
    fields.extend(
        USER_PREFERENCES
            .iter()
            .map(|&(name, label)| flag(name, label, WRITE)),
    );
    fields.extend([
        reference(
            "ContactId",
            "Contact ID",
            "Contact",
            "Contact",
            NILLABLE | CREATE,
        ),
        reference("AccountId", "Account ID", "Account", "Account", NILLABLE),
        reference(
            "CallCenterId",
            "Call Center ID",
            "CallCenter",
            "CallCenter",
            OPTIONAL,
        ),
        Field::new("Extension", "Extension", Kind::Phone, 40, OPTIONAL),
        text(
            "FederationIdentifier",
            "SAML Federation ID",
            512,
            OPTIONAL | UNIQUE | LOOKUP,
        ),
        Field::new("AboutMe", "About Me", Kind::TextArea, 1000, OPTIONAL),
        Field::new(
            "FullPhotoUrl",
            "Url for full-sized Photo",
            Kind::Url,
            1024,
            NILLABLE,
        ),
        Field::new("SmallPhotoUrl", "Photo", Kind::Url, 1024, NILLABLE),
        flag("IsExtIndicatorVisible", "Show external indicator", 0),
        text("OutOfOfficeMessage", "Out of office message", 40, NILLABLE),
        Field::new(
            "MediumPhotoUrl",
            "Url for medium profile photo",
            Kind::Url,
            1024,
            NILLABLE,
        ),
        pick(
            "DigestFrequency",
            "Chatter Email Highlights Frequency",
            picklists::FREQUENCIES,
            WRITE | DEFAULTED,
        ),
        pick(
            "DefaultGroupNotificationFrequency",
            "Default Notification Frequency when Joining Groups",
            picklists::FREQUENCIES,
            WRITE | DEFAULTED,
        ),
        moment("LastViewedDate", "Last Viewed Date", NILLABLE),
        moment("LastReferencedDate", "Last Referenced Date", NILLABLE),
        Field::new(
            "BannerPhotoUrl",
            "URL for banner photo",
            Kind::Url,
            1024,
            NILLABLE,
        ),
        flag("IsProfilePhotoActive", "Has Profile Photo", 0),
        reference(
            "IndividualId",
            "Individual ID",
            "Individual",
            "Individual",
            OPTIONAL,
        ),
        text(
            "External_Id__c",
            "External Id",
            255,
            OPTIONAL | UNIQUE | EXTERNAL,
        ),
    ]);
    ObjectType::new("User", "Users", "005", fields).allows(true, true, false)
}

const USER_PERMISSIONS: &[(&str, &str)] = &[
    ("UserPermissionsMarketingUser", "Marketing User"),
    ("UserPermissionsOfflineUser", "Offline User"),
    (
        "UserPermissionsCallCenterAutoLogin",
        "Auto-login To Call Center",
    ),
    (
        "UserPermissionsSFContentUser",
        "Salesforce CRM Content User",
    ),
    ("UserPermissionsKnowledgeUser", "Knowledge User"),
    ("UserPermissionsInteractionUser", "Flow User"),
    ("UserPermissionsSupportUser", "Service Cloud User"),
];

const USER_PREFERENCES: &[(&str, &str)] = &[
    (
        "UserPreferencesActivityRemindersPopup",
        "ActivityRemindersPopup",
    ),
    (
        "UserPreferencesEventRemindersCheckboxDefault",
        "EventRemindersCheckboxDefault",
    ),
    (
        "UserPreferencesTaskRemindersCheckboxDefault",
        "TaskRemindersCheckboxDefault",
    ),
    ("UserPreferencesReminderSoundOff", "ReminderSoundOff"),
    (
        "UserPreferencesDisableAllFeedsEmail",
        "DisableAllFeedsEmail",
    ),
    (
        "UserPreferencesApexPagesDeveloperMode",
        "ApexPagesDeveloperMode",
    ),
    (
        "UserPreferencesHideCSNGetChatterMobileTask",
        "HideCSNGetChatterMobileTask",
    ),
    (
        "UserPreferencesShowTitleToExternalUsers",
        "ShowTitleToExternalUsers",
    ),
    (
        "UserPreferencesShowEmailToExternalUsers",
        "ShowEmailToExternalUsers",
    ),
    ("UserPreferencesHideS1BrowserUI", "HideS1BrowserUI"),
    (
        "UserPreferencesLightningExperiencePreferred",
        "LightningExperiencePreferred",
    ),
];

fn profile() -> ObjectType {
    let fields = vec![
        text("Name", "Name", 255, NAME),
        reference(
            "UserLicenseId",
            "User License ID",
            "UserLicense",
            "UserLicense",
            0,
        ),
        Field::new(
            "UserType",
            "User Type",
            Kind::Picklist,
            40,
            NILLABLE | RESTRICTED,
        )
        .choices(picklists::USER_TYPES),
        text("Description", "Description", 255, NILLABLE),
        flag("PermissionsManageUsers", "Manage Users", 0),
        flag("PermissionsModifyAllData", "Modify All Data", 0),
        flag("PermissionsApiEnabled", "API Enabled", 0),
    ];
    object("Profile", "Profile", "00e", "Profile ID", fields)
}

fn licence() -> ObjectType {
    let fields = vec![
        text("Name", "Name", 40, NAME),
        text("LicenseDefinitionKey", "License Def. ID", 40, 0),
        text("MasterLabel", "Master Label", 40, 0),
        text("Status", "Status", 40, 0),
        Field::new("TotalLicenses", "Total Licenses", Kind::Integer, 0, 0),
        Field::new("UsedLicenses", "Used Licenses", Kind::Integer, 0, 0),
    ];
    object(
        "UserLicense",
        "User Licenses",
        "100",
        "User License ID",
        fields,
    )
    .labelled("User License")
}

fn organization() -> ObjectType {
    let fields = vec![
        text("Name", "Name", 80, NAME),
        text("Division", "Division", 80, NILLABLE),
        text("Country", "Country", 80, NILLABLE),
        text("PrimaryContact", "Primary Contact", 80, NILLABLE),
        Field::new(
            "DefaultLocaleSidKey",
            "Locale",
            Kind::Picklist,
            40,
            RESTRICTED,
        )
        .choices(picklists::LOCALES),
        Field::new(
            "TimeZoneSidKey",
            "Time Zone",
            Kind::Picklist,
            40,
            RESTRICTED,
        )
        .choices(picklists::TIME_ZONES),
        Field::new(
            "LanguageLocaleKey",
            "Language",
            Kind::Picklist,
            40,
            RESTRICTED,
        )
        .choices(picklists::LANGUAGES),
        text("OrganizationType", "Edition", 40, 0),
        text("NamespacePrefix", "Namespace Prefix", 15, NILLABLE),
        text("InstanceName", "Instance Name", 5, NILLABLE),
        flag("IsSandbox", "Is Sandbox", 0),
        moment("TrialExpirationDate", "Trial Expiration Date", NILLABLE),
    ];
    object(
        "Organization",
        "Organizations",
        "00D",
        "Organization ID",
        fields,
    )
}

fn role() -> ObjectType {
    let fields = vec![
        text("Name", "Name", 80, WRITE | NAME),
        reference(
            "ParentRoleId",
            "Parent Role ID",
            "UserRole",
            "ParentRole",
            WRITE | NILLABLE,
        ),
        text("RollupDescription", "Description", 80, WRITE | NILLABLE),
        text(
            "DeveloperName",
            "Developer Name",
            80,
            WRITE | NILLABLE | UNIQUE,
        ),
    ];
    object("UserRole", "Roles", "00E", "Role ID", fields)
        .labelled("Role")
        .allows(true, true, true)
}

fn permission_set() -> ObjectType {
    let fields = vec![
        text("Name", "Permission Set Name", 80, NAME),
        text("Label", "Permission Set Label", 80, 0),
        text("Description", "Description", 255, NILLABLE),
        flag("IsCustom", "Is Custom", 0),
        flag("IsOwnedByProfile", "Is Owned By Profile", 0),
        reference("ProfileId", "Profile ID", "Profile", "Profile", NILLABLE),
    ];
    object(
        "PermissionSet",
        "Permission Sets",
        "0PS",
        "PermissionSet ID",
        fields,
    )
    .labelled("Permission Set")
}

fn assignment() -> ObjectType {
    let fields = vec![
        reference(
            "PermissionSetId",
            "PermissionSet ID",
            "PermissionSet",
            "PermissionSet",
            CREATE,
        ),
        reference("AssigneeId", "Assignee ID", "User", "Assignee", CREATE),
        flag("IsActive", "Active", 0),
    ];
    let mut all = vec![id("PermissionSetAssignment ID")];
    all.extend(fields);
    all.push(moment("SystemModstamp", "Date Assigned", DEFAULTED));
    ObjectType::new(
        "PermissionSetAssignment",
        "Permission Set Assignments",
        "0Pa",
        all,
    )
    .labelled("Permission Set Assignment")
    .allows(true, false, true)
}

fn group() -> ObjectType {
    let fields = vec![
        text("Name", "Name", 40, WRITE | NAME),
        text(
            "DeveloperName",
            "Developer Name",
            80,
            WRITE | NILLABLE | UNIQUE,
        ),
        Field::new(
            "Type",
            "Type",
            Kind::Picklist,
            40,
            CREATE | DEFAULTED | RESTRICTED,
        )
        .choices(picklists::GROUP_TYPES),
        Field::new("Email", "Email", Kind::Email, 255, WRITE | NILLABLE),
        flag("DoesSendEmailToMembers", "Send Email to Members", WRITE),
        flag("DoesIncludeBosses", "Include Bosses", WRITE),
    ];
    object("Group", "Group", "00G", "Group ID", fields).allows(true, true, true)
}

fn group_member() -> ObjectType {
    let all = vec![
        id("Group Member ID"),
        reference("GroupId", "Group ID", "Group", "Group", CREATE),
        reference(
            "UserOrGroupId",
            "User/Group ID",
            "User",
            "UserOrGroup",
            CREATE,
        ),
        moment("SystemModstamp", "System Modstamp", DEFAULTED),
    ];
    ObjectType::new("GroupMember", "Group Member", "011", all)
        .labelled("Group Member")
        .allows(true, false, true)
}
