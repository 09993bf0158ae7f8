package world

import (
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Switches tells how each of an instance's switches is set at its vendor, whatever Fleet's ledger says. project is the reference of its
// Supabase project.
func (v Vendors) Switches(i fleet.Instance, project string) map[fleet.Kind]fleet.Setting {
	stopped := map[fleet.Kind]bool{}
	name := fleet.ResourceName(i.ID)
	for kind, at := range map[fleet.Kind]struct {
		kind   fleet.Kind
		status string
	}{
		fleet.FrontendPause:  {fleet.VercelProject, "paused"},
		fleet.SMSSuspension:  {fleet.TwilioSubaccount, "suspended"},
		fleet.MailSuspension: {fleet.SendGridSubuser, "disabled"},
	} {
		for _, h := range v.Inventory() {
			stopped[kind] = stopped[kind] || h.Name == name && h.Kind == string(at.kind) && h.Status == at.status
		}
	}
	target, _, _ := v.Cloudflare.LookupCNAME(i.Host)
	stopped[fleet.DNSTarget] = target == suspendedHost
	stopped[fleet.SignIn] = v.Supabase.AuthConfig(project)["external_email_enabled"] != true
	stopped[fleet.APIKeys] = !v.Supabase.LegacyKeys(project)
	is := map[fleet.Kind]fleet.Setting{}
	for _, kind := range fleet.Switches() {
		if is[kind] = fleet.Serving; stopped[kind] {
			is[kind] = fleet.Stopped
		}
	}
	return is
}
