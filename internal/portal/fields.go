package portal

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
)

// field is one of the signup form's. Its name is the payload's, as the API's problems name it: "branding.logo_url".
type field struct {
	Name, Label, Hint string
	// Type is HTML's; "select" has Options, "zone" and "colour" are texts that the script helps with.
	Type     string
	Default  string
	Example  string
	Required bool
	Max      int
	Complete string // autocomplete
	Pattern  string
	Options  []option
}

type option struct{ Value, Label string }

// group is fields that belong together.
type group struct {
	Title  string
	Fields []field
}

// groups are the form.
func groups() []group {
	return []group{
		{"Your company", []field{
			{Name: "company", Label: "Company name", Type: "text", Required: true, Max: 200, Complete: "organization"},
			{Name: "slug", Label: "Short name", Type: "text", Required: true, Max: 40, Pattern: `[a-z0-9]([a-z0-9\-]*[a-z0-9])?`,
				Hint: "It becomes your address: 3 to 40 small letters, digits and single hyphens."},
			{Name: "vertical", Label: "Kind of business", Type: "select", Options: options("General", verticals()),
				Hint: "It decides with which content you start."},
		}},
		{"Your administrator", []field{
			{Name: "admin_name", Label: "Name", Type: "text", Required: true, Max: 200, Complete: "name"},
			{Name: "admin_email", Label: "Mail address", Type: "email", Required: true, Max: 254, Complete: "email", Hint: "The invitation goes there."},
			{Name: "phone", Label: "Phone", Type: "tel", Max: 16, Complete: "tel", Hint: "With country code and without spaces, such as +12125550123."},
		}},
		{"Plan and place", []field{
			{Name: "plan", Label: "Plan", Type: "select", Default: "flat", Required: true, Options: plain(fleet.Plans())},
			{Name: "tier", Label: "Tier", Type: "select", Options: options("Choose a tier", fleet.Tiers())},
			{Name: "region", Label: "Region of your data", Type: "select", Default: "us-east-1", Required: true, Options: regions()},
			{Name: "timezone", Label: "Time zone", Type: "zone", Default: "America/New_York", Required: true, Max: 50},
			{Name: "locale", Label: "Language", Type: "text", Default: "en-US", Required: true, Max: 10, Hint: "A language tag, such as en-US or pt-BR."},
		}},
		{"Your look", []field{
			{Name: "branding.primary_color", Label: "First colour", Type: "colour", Example: "#0f766e", Max: 7, Pattern: "#[0-9a-fA-F]{6}"},
			{Name: "branding.secondary_color", Label: "Second colour", Type: "colour", Example: "#f59e0b", Max: 7, Pattern: "#[0-9a-fA-F]{6}"},
			{Name: "branding.logo_url", Label: "Address of your logo", Type: "url", Example: "https://www.acme-dental.example/logo.png", Max: 2000, Hint: "A picture at an https address. We keep a copy."},
			{Name: "branding.favicon_url", Label: "Address of your icon", Type: "url", Example: "https://www.acme-dental.example/favicon.ico", Max: 2000, Hint: "A small square picture for browser tabs."},
		}},
	}
}

func verticals() []string { return fleet.Verticals()[1:] } // the general one is what no choice means

func plain(values []string) (all []option) {
	for _, v := range values {
		all = append(all, option{v, strings.ToUpper(v[:1]) + v[1:]})
	}
	return all
}

// options begins with the choice of none.
func options(none string, values []string) []option {
	return append([]option{{"", none}}, plain(values)...)
}

// regions are the fleet's, by where they are.
func regions() (all []option) {
	where := map[string]string{"us-east-1": "US East (Virginia)", "us-east-2": "US East (Ohio)", "us-west-1": "US West (California)",
		"us-west-2": "US West (Oregon)", "ca-central-1": "Canada", "sa-east-1": "Brazil", "eu-west-1": "Ireland", "eu-west-2": "United Kingdom",
		"eu-west-3": "France", "eu-central-1": "Germany", "eu-central-2": "Switzerland", "eu-north-1": "Sweden", "ap-south-1": "India", "ap-east-1": "Hong Kong",
		"ap-southeast-1": "Singapore", "ap-southeast-2": "Australia", "ap-northeast-1": "Japan", "ap-northeast-2": "South Korea"}
	for _, code := range fleet.Regions() {
		all = append(all, option{code, cmp.Or(where[code], code)})
	}
	return all
}

// payload is the webhook's body: what is required, and what was filled in. A tier belongs to the tiered plan only; one that was chosen
// before the plan was changed is left out.
func payload(typed url.Values) ([]byte, error) {
	body, branding := map[string]any{}, map[string]string{}
	for _, g := range groups() {
		for _, f := range g.Fields {
			value := strings.TrimSpace(typed.Get(f.Name))
			if value == "" && !f.Required || f.Name == "tier" && typed.Get("plan") != fleet.TieredPlan {
				continue
			}
			if inner, ok := strings.CutPrefix(f.Name, "branding."); ok {
				branding[inner] = value
				continue
			}
			body[f.Name] = value
		}
	}
	if len(branding) > 0 {
		body["branding"] = branding
	}
	return json.Marshal(body)
}
