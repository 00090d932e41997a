//! The restricted picklists of a user: stored value and label. The vendor's lists are longer for locales and time
//! zones; these are the ones its help pages name ("Supported Time Zones", "Supported Locales", "Supported Languages").

/// One value and its label.
pub(crate) type Choice = (&'static str, &'static str);

/// `EmailEncodingKey`.
pub(crate) const EMAIL_ENCODINGS: &[Choice] = &[
    ("UTF-8", "Unicode (UTF-8)"),
    (
        "ISO-8859-1",
        "General US & Western Europe (ISO-8859-1, ISO-LATIN-1)",
    ),
    ("Shift_JIS", "Japanese (Shift-JIS)"),
    ("ISO-2022-JP", "Japanese (JIS)"),
    ("EUC-JP", "Japanese (EUC)"),
    ("x-SJIS_0213", "Japanese (Shift-JIS_2004)"),
    ("ks_c_5601-1987", "Korean (ks_c_5601-1987)"),
    ("Big5", "Traditional Chinese (Big5)"),
    ("GB2312", "Simplified Chinese (GB2312)"),
    ("Big5-HKSCS", "Traditional Chinese Hong Kong (Big5-HKSCS)"),
];

/// `LanguageLocaleKey`.
pub(crate) const LANGUAGES: &[Choice] = &[
    ("en_US", "English"),
    ("de", "German"),
    ("es", "Spanish"),
    ("fr", "French"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("sv", "Swedish"),
    ("ko", "Korean"),
    ("zh_TW", "Chinese (Traditional)"),
    ("zh_CN", "Chinese (Simplified)"),
    ("pt_BR", "Portuguese (Brazil)"),
    ("nl_NL", "Dutch"),
    ("da", "Danish"),
    ("th", "Thai"),
    ("fi", "Finnish"),
    ("ru", "Russian"),
    ("es_MX", "Spanish (Mexico)"),
    ("no", "Norwegian"),
    ("hu", "Hungarian"),
    ("pl", "Polish"),
    ("cs", "Czech"),
    ("tr", "Turkish"),
    ("in", "Indonesian"),
    ("ro", "Romanian"),
    ("vi", "Vietnamese"),
    ("uk", "Ukrainian"),
    ("iw", "Hebrew"),
    ("el", "Greek"),
    ("bg", "Bulgarian"),
    ("en_GB", "English (UK)"),
    ("ar", "Arabic"),
    ("sk", "Slovak"),
    ("pt_PT", "Portuguese (European)"),
    ("hr", "Croatian"),
    ("sl", "Slovenian"),
];

/// `LocaleSidKey`.
pub(crate) const LOCALES: &[Choice] = &[
    ("en_US", "English (United States)"),
    ("af_ZA", "Afrikaans (South Africa)"),
    ("sq_AL", "Albanian (Albania)"),
    ("ar_DZ", "Arabic (Algeria)"),
    ("ar_BH", "Arabic (Bahrain)"),
    ("ar_EG", "Arabic (Egypt)"),
    ("ar_IQ", "Arabic (Iraq)"),
    ("ar_JO", "Arabic (Jordan)"),
    ("ar_KW", "Arabic (Kuwait)"),
    ("ar_LB", "Arabic (Lebanon)"),
    ("ar_MA", "Arabic (Morocco)"),
    ("ar_OM", "Arabic (Oman)"),
    ("ar_QA", "Arabic (Qatar)"),
    ("ar_SA", "Arabic (Saudi Arabia)"),
    ("ar_TN", "Arabic (Tunisia)"),
    ("ar_AE", "Arabic (United Arab Emirates)"),
    ("hy_AM", "Armenian (Armenia)"),
    ("az_AZ", "Azerbaijani (Azerbaijan)"),
    ("bn_BD", "Bangla (Bangladesh)"),
    ("bn_IN", "Bangla (India)"),
    ("eu_ES", "Basque (Spain)"),
    ("be_BY", "Belarusian (Belarus)"),
    ("bs_BA", "Bosnian (Bosnia & Herzegovina)"),
    ("bg_BG", "Bulgarian (Bulgaria)"),
    ("my_MM", "Burmese (Myanmar (Burma))"),
    ("ca_ES", "Catalan (Spain)"),
    ("zh_CN", "Chinese (China)"),
    ("zh_HK", "Chinese (Hong Kong SAR China)"),
    ("zh_MO", "Chinese (Macao SAR China)"),
    ("zh_SG", "Chinese (Singapore)"),
    ("zh_TW", "Chinese (Taiwan)"),
    ("hr_HR", "Croatian (Croatia)"),
    ("cs_CZ", "Czech (Czechia)"),
    ("da_DK", "Danish (Denmark)"),
    ("nl_BE", "Dutch (Belgium)"),
    ("nl_NL", "Dutch (Netherlands)"),
    ("nl_SR", "Dutch (Suriname)"),
    ("en_AU", "English (Australia)"),
    ("en_BB", "English (Barbados)"),
    ("en_BM", "English (Bermuda)"),
    ("en_CA", "English (Canada)"),
    ("en_CY", "English (Cyprus)"),
    ("en_DE", "English (Germany)"),
    ("en_GH", "English (Ghana)"),
    ("en_HK", "English (Hong Kong SAR China)"),
    ("en_IN", "English (India)"),
    ("en_ID", "English (Indonesia)"),
    ("en_IE", "English (Ireland)"),
    ("en_JM", "English (Jamaica)"),
    ("en_KE", "English (Kenya)"),
    ("en_MY", "English (Malaysia)"),
    ("en_MT", "English (Malta)"),
    ("en_MU", "English (Mauritius)"),
    ("en_NL", "English (Netherlands)"),
    ("en_NZ", "English (New Zealand)"),
    ("en_NG", "English (Nigeria)"),
    ("en_PK", "English (Pakistan)"),
    ("en_PH", "English (Philippines)"),
    ("en_SG", "English (Singapore)"),
    ("en_ZA", "English (South Africa)"),
    ("en_AE", "English (United Arab Emirates)"),
    ("en_GB", "English (United Kingdom)"),
    ("et_EE", "Estonian (Estonia)"),
    ("fi_FI", "Finnish (Finland)"),
    ("fr_BE", "French (Belgium)"),
    ("fr_CA", "French (Canada)"),
    ("fr_FR", "French (France)"),
    ("fr_LU", "French (Luxembourg)"),
    ("fr_MC", "French (Monaco)"),
    ("fr_MA", "French (Morocco)"),
    ("fr_CH", "French (Switzerland)"),
    ("ka_GE", "Georgian (Georgia)"),
    ("de_AT", "German (Austria)"),
    ("de_BE", "German (Belgium)"),
    ("de_DE", "German (Germany)"),
    ("de_LU", "German (Luxembourg)"),
    ("de_CH", "German (Switzerland)"),
    ("el_GR", "Greek (Greece)"),
    ("gu_IN", "Gujarati (India)"),
    ("iw_IL", "Hebrew (Israel)"),
    ("hi_IN", "Hindi (India)"),
    ("hu_HU", "Hungarian (Hungary)"),
    ("is_IS", "Icelandic (Iceland)"),
    ("in_ID", "Indonesian (Indonesia)"),
    ("ga_IE", "Irish (Ireland)"),
    ("it_IT", "Italian (Italy)"),
    ("it_CH", "Italian (Switzerland)"),
    ("ja_JP", "Japanese (Japan)"),
    ("kn_IN", "Kannada (India)"),
    ("kk_KZ", "Kazakh (Kazakhstan)"),
    ("km_KH", "Khmer (Cambodia)"),
    ("ko_KR", "Korean (South Korea)"),
    ("lo_LA", "Lao (Laos)"),
    ("lv_LV", "Latvian (Latvia)"),
    ("lt_LT", "Lithuanian (Lithuania)"),
    ("lb_LU", "Luxembourgish (Luxembourg)"),
    ("mk_MK", "Macedonian (North Macedonia)"),
    ("ms_MY", "Malay (Malaysia)"),
    ("ml_IN", "Malayalam (India)"),
    ("mt_MT", "Maltese (Malta)"),
    ("mr_IN", "Marathi (India)"),
    ("ne_NP", "Nepali (Nepal)"),
    ("no_NO", "Norwegian (Norway)"),
    ("pl_PL", "Polish (Poland)"),
    ("pt_AO", "Portuguese (Angola)"),
    ("pt_BR", "Portuguese (Brazil)"),
    ("pt_PT", "Portuguese (Portugal)"),
    ("pa_IN", "Punjabi (India)"),
    ("ro_MD", "Romanian (Moldova)"),
    ("ro_RO", "Romanian (Romania)"),
    ("ru_RU", "Russian (Russia)"),
    ("ru_UA", "Russian (Ukraine)"),
    ("sr_RS", "Serbian (Serbia)"),
    ("sk_SK", "Slovak (Slovakia)"),
    ("sl_SI", "Slovenian (Slovenia)"),
    ("es_AR", "Spanish (Argentina)"),
    ("es_BO", "Spanish (Bolivia)"),
    ("es_CL", "Spanish (Chile)"),
    ("es_CO", "Spanish (Colombia)"),
    ("es_CR", "Spanish (Costa Rica)"),
    ("es_DO", "Spanish (Dominican Republic)"),
    ("es_EC", "Spanish (Ecuador)"),
    ("es_SV", "Spanish (El Salvador)"),
    ("es_GT", "Spanish (Guatemala)"),
    ("es_HN", "Spanish (Honduras)"),
    ("es_MX", "Spanish (Mexico)"),
    ("es_NI", "Spanish (Nicaragua)"),
    ("es_PA", "Spanish (Panama)"),
    ("es_PY", "Spanish (Paraguay)"),
    ("es_PE", "Spanish (Peru)"),
    ("es_PR", "Spanish (Puerto Rico)"),
    ("es_ES", "Spanish (Spain)"),
    ("es_US", "Spanish (United States)"),
    ("es_UY", "Spanish (Uruguay)"),
    ("es_VE", "Spanish (Venezuela)"),
    ("sw_KE", "Swahili (Kenya)"),
    ("sv_SE", "Swedish (Sweden)"),
    ("ta_IN", "Tamil (India)"),
    ("te_IN", "Telugu (India)"),
    ("th_TH", "Thai (Thailand)"),
    ("tr_TR", "Turkish (Türkiye)"),
    ("uk_UA", "Ukrainian (Ukraine)"),
    ("ur_PK", "Urdu (Pakistan)"),
    ("vi_VN", "Vietnamese (Vietnam)"),
    ("cy_GB", "Welsh (United Kingdom)"),
    ("zu_ZA", "Zulu (South Africa)"),
];

/// `TimeZoneSidKey`.
pub(crate) const TIME_ZONES: &[Choice] = &[
    (
        "Pacific/Kiritimati",
        "(GMT+14:00) Line Islands Time (Pacific/Kiritimati)",
    ),
    (
        "Pacific/Enderbury",
        "(GMT+13:00) Phoenix Islands Time (Pacific/Enderbury)",
    ),
    (
        "Pacific/Tongatapu",
        "(GMT+13:00) Tonga Standard Time (Pacific/Tongatapu)",
    ),
    (
        "Pacific/Auckland",
        "(GMT+13:00) New Zealand Daylight Time (Pacific/Auckland)",
    ),
    (
        "Pacific/Chatham",
        "(GMT+13:45) Chatham Daylight Time (Pacific/Chatham)",
    ),
    (
        "Asia/Kamchatka",
        "(GMT+12:00) Petropavlovsk-Kamchatski Standard Time (Asia/Kamchatka)",
    ),
    (
        "Pacific/Fiji",
        "(GMT+12:00) Fiji Standard Time (Pacific/Fiji)",
    ),
    (
        "Pacific/Norfolk",
        "(GMT+12:00) Norfolk Island Daylight Time (Pacific/Norfolk)",
    ),
    (
        "Australia/Lord_Howe",
        "(GMT+11:00) Lord Howe Daylight Time (Australia/Lord_Howe)",
    ),
    (
        "Australia/Sydney",
        "(GMT+11:00) Australian Eastern Daylight Time (Australia/Sydney)",
    ),
    (
        "Pacific/Guadalcanal",
        "(GMT+11:00) Solomon Islands Time (Pacific/Guadalcanal)",
    ),
    (
        "Australia/Adelaide",
        "(GMT+10:30) Australian Central Daylight Time (Australia/Adelaide)",
    ),
    (
        "Australia/Brisbane",
        "(GMT+10:00) Australian Eastern Standard Time (Australia/Brisbane)",
    ),
    (
        "Australia/Darwin",
        "(GMT+09:30) Australian Central Standard Time (Australia/Darwin)",
    ),
    (
        "Asia/Seoul",
        "(GMT+09:00) Korean Standard Time (Asia/Seoul)",
    ),
    ("Asia/Tokyo", "(GMT+09:00) Japan Standard Time (Asia/Tokyo)"),
    (
        "Asia/Hong_Kong",
        "(GMT+08:00) Hong Kong Standard Time (Asia/Hong_Kong)",
    ),
    (
        "Asia/Kuala_Lumpur",
        "(GMT+08:00) Malaysia Time (Asia/Kuala_Lumpur)",
    ),
    (
        "Asia/Manila",
        "(GMT+08:00) Philippine Standard Time (Asia/Manila)",
    ),
    (
        "Asia/Shanghai",
        "(GMT+08:00) China Standard Time (Asia/Shanghai)",
    ),
    (
        "Asia/Singapore",
        "(GMT+08:00) Singapore Standard Time (Asia/Singapore)",
    ),
    (
        "Asia/Taipei",
        "(GMT+08:00) Taipei Standard Time (Asia/Taipei)",
    ),
    (
        "Australia/Perth",
        "(GMT+08:00) Australian Western Standard Time (Australia/Perth)",
    ),
    ("Asia/Bangkok", "(GMT+07:00) Indochina Time (Asia/Bangkok)"),
    (
        "Asia/Ho_Chi_Minh",
        "(GMT+07:00) Indochina Time (Asia/Ho_Chi_Minh)",
    ),
    (
        "Asia/Jakarta",
        "(GMT+07:00) Western Indonesia Time (Asia/Jakarta)",
    ),
    ("Asia/Rangoon", "(GMT+06:30) Myanmar Time (Asia/Rangoon)"),
    (
        "Asia/Dhaka",
        "(GMT+06:00) Bangladesh Standard Time (Asia/Dhaka)",
    ),
    ("Asia/Kathmandu", "(GMT+05:45) Nepal Time (Asia/Kathmandu)"),
    (
        "Asia/Colombo",
        "(GMT+05:30) India Standard Time (Asia/Colombo)",
    ),
    (
        "Asia/Kolkata",
        "(GMT+05:30) India Standard Time (Asia/Kolkata)",
    ),
    (
        "Asia/Karachi",
        "(GMT+05:00) Pakistan Standard Time (Asia/Karachi)",
    ),
    (
        "Asia/Tashkent",
        "(GMT+05:00) Uzbekistan Standard Time (Asia/Tashkent)",
    ),
    (
        "Asia/Yekaterinburg",
        "(GMT+05:00) Yekaterinburg Standard Time (Asia/Yekaterinburg)",
    ),
    ("Asia/Kabul", "(GMT+04:30) Afghanistan Time (Asia/Kabul)"),
    (
        "Asia/Baku",
        "(GMT+04:00) Azerbaijan Standard Time (Asia/Baku)",
    ),
    ("Asia/Dubai", "(GMT+04:00) Gulf Standard Time (Asia/Dubai)"),
    (
        "Asia/Tbilisi",
        "(GMT+04:00) Georgia Standard Time (Asia/Tbilisi)",
    ),
    (
        "Asia/Yerevan",
        "(GMT+04:00) Armenia Standard Time (Asia/Yerevan)",
    ),
    (
        "Asia/Tehran",
        "(GMT+03:30) Iran Standard Time (Asia/Tehran)",
    ),
    (
        "Africa/Nairobi",
        "(GMT+03:00) East Africa Time (Africa/Nairobi)",
    ),
    (
        "Asia/Baghdad",
        "(GMT+03:00) Arabian Standard Time (Asia/Baghdad)",
    ),
    (
        "Asia/Kuwait",
        "(GMT+03:00) Arabian Standard Time (Asia/Kuwait)",
    ),
    (
        "Asia/Riyadh",
        "(GMT+03:00) Arabian Standard Time (Asia/Riyadh)",
    ),
    ("Europe/Istanbul", "(GMT+03:00) Europe/Istanbul"),
    (
        "Europe/Minsk",
        "(GMT+03:00) Moscow Standard Time (Europe/Minsk)",
    ),
    (
        "Europe/Moscow",
        "(GMT+03:00) Moscow Standard Time (Europe/Moscow)",
    ),
    (
        "Africa/Cairo",
        "(GMT+02:00) Eastern European Standard Time (Africa/Cairo)",
    ),
    (
        "Africa/Johannesburg",
        "(GMT+02:00) South Africa Standard Time (Africa/Johannesburg)",
    ),
    (
        "Asia/Beirut",
        "(GMT+02:00) Eastern European Standard Time (Asia/Beirut)",
    ),
    (
        "Asia/Jerusalem",
        "(GMT+02:00) Israel Standard Time (Asia/Jerusalem)",
    ),
    (
        "Europe/Athens",
        "(GMT+02:00) Eastern European Standard Time (Europe/Athens)",
    ),
    (
        "Europe/Bucharest",
        "(GMT+02:00) Eastern European Standard Time (Europe/Bucharest)",
    ),
    (
        "Europe/Helsinki",
        "(GMT+02:00) Eastern European Standard Time (Europe/Helsinki)",
    ),
    (
        "Africa/Algiers",
        "(GMT+01:00) Central European Standard Time (Africa/Algiers)",
    ),
    (
        "Africa/Casablanca",
        "(GMT+01:00) Western European Summer Time (Africa/Casablanca)",
    ),
    (
        "Europe/Amsterdam",
        "(GMT+01:00) Central European Standard Time (Europe/Amsterdam)",
    ),
    (
        "Europe/Berlin",
        "(GMT+01:00) Central European Standard Time (Europe/Berlin)",
    ),
    (
        "Europe/Brussels",
        "(GMT+01:00) Central European Standard Time (Europe/Brussels)",
    ),
    (
        "Europe/Paris",
        "(GMT+01:00) Central European Standard Time (Europe/Paris)",
    ),
    (
        "Europe/Prague",
        "(GMT+01:00) Central European Standard Time (Europe/Prague)",
    ),
    (
        "Europe/Rome",
        "(GMT+01:00) Central European Standard Time (Europe/Rome)",
    ),
    (
        "Europe/Dublin",
        "(GMT+00:00) Greenwich Mean Time (Europe/Dublin)",
    ),
    (
        "Europe/Lisbon",
        "(GMT+00:00) Western European Standard Time (Europe/Lisbon)",
    ),
    (
        "Europe/London",
        "(GMT+00:00) Greenwich Mean Time (Europe/London)",
    ),
    ("GMT", "(GMT+00:00) Greenwich Mean Time (GMT)"),
    (
        "Atlantic/Cape_Verde",
        "(GMT-01:00) Cape Verde Standard Time (Atlantic/Cape_Verde)",
    ),
    (
        "Atlantic/Azores",
        "(GMT-01:00) Azores Standard Time (Atlantic/Azores)",
    ),
    (
        "Atlantic/South_Georgia",
        "(GMT-02:00) South Georgia Time (Atlantic/South_Georgia)",
    ),
    (
        "America/Sao_Paulo",
        "(GMT-03:00) Brasilia Standard Time (America/Sao_Paulo)",
    ),
    (
        "America/Argentina/Buenos_Aires",
        "(GMT-03:00) Argentina Standard Time (America/Argentina/Buenos_Aires)",
    ),
    (
        "America/Santiago",
        "(GMT-03:00) Chile Summer Time (America/Santiago)",
    ),
    (
        "America/St_Johns",
        "(GMT-03:30) Newfoundland Standard Time (America/St_Johns)",
    ),
    (
        "America/Halifax",
        "(GMT-04:00) Atlantic Standard Time (America/Halifax)",
    ),
    (
        "America/Puerto_Rico",
        "(GMT-04:00) Atlantic Standard Time (America/Puerto_Rico)",
    ),
    (
        "Atlantic/Bermuda",
        "(GMT-04:00) Atlantic Standard Time (Atlantic/Bermuda)",
    ),
    (
        "America/Caracas",
        "(GMT-04:00) Venezuela Time (America/Caracas)",
    ),
    (
        "America/Bogota",
        "(GMT-05:00) Colombia Standard Time (America/Bogota)",
    ),
    (
        "America/Indiana/Indianapolis",
        "(GMT-05:00) Eastern Standard Time (America/Indiana/Indianapolis)",
    ),
    (
        "America/Lima",
        "(GMT-05:00) Peru Standard Time (America/Lima)",
    ),
    (
        "America/New_York",
        "(GMT-05:00) Eastern Standard Time (America/New_York)",
    ),
    (
        "America/Panama",
        "(GMT-05:00) Eastern Standard Time (America/Panama)",
    ),
    (
        "America/Chicago",
        "(GMT-06:00) Central Standard Time (America/Chicago)",
    ),
    (
        "America/El_Salvador",
        "(GMT-06:00) Central Standard Time (America/El_Salvador)",
    ),
    (
        "America/Mexico_City",
        "(GMT-06:00) Central Standard Time (America/Mexico_City)",
    ),
    (
        "America/Denver",
        "(GMT-07:00) Mountain Standard Time (America/Denver)",
    ),
    (
        "America/Mazatlan",
        "(GMT-07:00) Mexican Pacific Standard Time (America/Mazatlan)",
    ),
    (
        "America/Phoenix",
        "(GMT-07:00) Mountain Standard Time (America/Phoenix)",
    ),
    (
        "America/Los_Angeles",
        "(GMT-08:00) Pacific Standard Time (America/Los_Angeles)",
    ),
    (
        "America/Tijuana",
        "(GMT-08:00) Pacific Standard Time (America/Tijuana)",
    ),
    (
        "Pacific/Pitcairn",
        "(GMT-08:00) Pitcairn Time (Pacific/Pitcairn)",
    ),
    (
        "America/Anchorage",
        "(GMT-09:00) Alaska Standard Time (America/Anchorage)",
    ),
    (
        "Pacific/Gambier",
        "(GMT-09:00) Gambier Time (Pacific/Gambier)",
    ),
    (
        "America/Adak",
        "(GMT-10:00) Hawaii-Aleutian Standard Time (America/Adak)",
    ),
    (
        "Pacific/Marquesas",
        "(GMT-09:30) Marquesas Time (Pacific/Marquesas)",
    ),
    (
        "Pacific/Honolulu",
        "(GMT-10:00) Hawaii-Aleutian Standard Time (Pacific/Honolulu)",
    ),
    ("Pacific/Niue", "(GMT-11:00) Niue Time (Pacific/Niue)"),
    (
        "Pacific/Pago_Pago",
        "(GMT-11:00) Samoa Standard Time (Pacific/Pago_Pago)",
    ),
];

/// `DigestFrequency` and `DefaultGroupNotificationFrequency`.
pub(crate) const FREQUENCIES: &[Choice] = &[
    ("P", "Email on every post"),
    ("D", "Daily"),
    ("W", "Weekly"),
    ("N", "Never"),
];

/// `UserType`; read-only, it follows from the profile's licence.
pub(crate) const USER_TYPES: &[Choice] = &[
    ("Standard", "Standard"),
    ("PowerPartner", "Partner"),
    ("CSPLitePortal", "High Volume Portal"),
    ("CustomerSuccess", "Customer Portal User"),
    ("PowerCustomerSuccess", "Customer Portal Manager"),
    ("CsnOnly", "Chatter Free"),
    ("Guest", "Guest"),
];

/// `Group.Type`.
pub(crate) const GROUP_TYPES: &[Choice] = &[
    ("Regular", "Regular"),
    ("Role", "Role"),
    ("RoleAndSubordinates", "Role and Subordinates"),
    ("Organization", "Organization"),
    ("Queue", "Queue"),
];
