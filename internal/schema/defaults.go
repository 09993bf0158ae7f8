package schema

import "cmp"

// Defaults is a new instance's row as the table makes it.
func Defaults(instanceID string) Config {
	return Config{
		InstanceID: instanceID,
		Timezone:   "America/New_York", Locale: "en-US", DateFormat: "MM/DD/YYYY",
		MonthlySMSLimit: new(10_000), MonthlyEmailLimit: new(50_000), MaxUsers: new(50),
		DataRetentionDays: new(730), EnableAuditLog: new(true), GDPREnabled: new(true),
	}
}

// With is c with what is given in by, as WriteConfig would leave it. The instance id stays.
func (c Config) With(by Config) Config {
	return Config{
		InstanceID:        c.InstanceID,
		LogoURL:           cmp.Or(by.LogoURL, c.LogoURL),
		FaviconURL:        cmp.Or(by.FaviconURL, c.FaviconURL),
		PrimaryColor:      cmp.Or(by.PrimaryColor, c.PrimaryColor),
		SecondaryColor:    cmp.Or(by.SecondaryColor, c.SecondaryColor),
		CustomCSS:         cmp.Or(by.CustomCSS, c.CustomCSS),
		TwilioAccountSID:  cmp.Or(by.TwilioAccountSID, c.TwilioAccountSID),
		TwilioAuthToken:   cmp.Or(by.TwilioAuthToken, c.TwilioAuthToken),
		SendGridAPIKey:    cmp.Or(by.SendGridAPIKey, c.SendGridAPIKey),
		Timezone:          cmp.Or(by.Timezone, c.Timezone),
		Locale:            cmp.Or(by.Locale, c.Locale),
		DateFormat:        cmp.Or(by.DateFormat, c.DateFormat),
		MonthlySMSLimit:   cmp.Or(by.MonthlySMSLimit, c.MonthlySMSLimit),
		MonthlyEmailLimit: cmp.Or(by.MonthlyEmailLimit, c.MonthlyEmailLimit),
		MaxUsers:          cmp.Or(by.MaxUsers, c.MaxUsers),
		DataRetentionDays: cmp.Or(by.DataRetentionDays, c.DataRetentionDays),
		EnableAuditLog:    cmp.Or(by.EnableAuditLog, c.EnableAuditLog),
		GDPREnabled:       cmp.Or(by.GDPREnabled, c.GDPREnabled),
	}
}
