package supabase

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// newProject is a checked creation.
type newProject struct{ Name, Region, Password string }

// projectRequest are all the fields that a creation may have; others are refused.
type projectRequest struct {
	Name             *string          `json:"name"`
	Password         *string          `json:"db_pass"`
	OrganizationSlug *string          `json:"organization_slug"`
	OrganizationID   *string          `json:"organization_id"`
	Region           *string          `json:"region"`
	Selection        *regionSelection `json:"region_selection"`
	InstanceSize     *string          `json:"desired_instance_size"`
	TemplateURL      *string          `json:"template_url"`
	Plan             *string          `json:"plan"`        // ignored
	KPSEnabled       json.RawMessage  `json:"kps_enabled"` // ignored
}

type regionSelection struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

var regions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-east-1", "ap-southeast-1", "ap-northeast-1", "ap-northeast-2",
	"ap-southeast-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-central-1", "eu-central-2", "ca-central-1",
	"ap-south-1", "sa-east-1",
}

// smartGroups are the groups of regions, and where this simulator puts their projects.
var smartGroups = map[string]string{"americas": "us-east-1", "emea": "eu-central-1", "apac": "ap-southeast-1"}

func decodeNewProject(r *http.Request, organization string) (newProject, answer, bool) {
	var in projectRequest
	if err := decode(r, &in, true); err != nil {
		// The decoder names an unknown field or a wrong type.
		return newProject{}, invalid(strings.TrimPrefix(err.Error(), "json: ")), true
	}
	region, complaints := in.region()
	complaints = append(complaints, in.complaints()...)
	if len(complaints) > 0 {
		return newProject{}, invalid(complaints...), true
	}
	if *in.OrganizationSlug != organization {
		return newProject{}, failed(http.StatusNotFound, "Organization not found"), true
	}
	return newProject{Name: *in.Name, Region: region, Password: *in.Password}, answer{}, false
}

func (in projectRequest) complaints() []string {
	var c []string
	switch {
	case in.Name == nil || *in.Name == "":
		c = append(c, "name should not be empty")
	case utf8.RuneCountInString(*in.Name) > 256:
		c = append(c, "name must be shorter than or equal to 256 characters")
	case strings.Contains(*in.Name, "."):
		c = append(c, "name should not contain a . string")
	}
	if in.Password == nil || len(*in.Password) < 4 {
		c = append(c, "db_pass must be longer than or equal to 4 characters")
	}
	if in.OrganizationSlug == nil || *in.OrganizationSlug == "" {
		c = append(c, "organization_slug should not be empty")
	}
	return c
}

// region decides where the project goes.
func (in projectRequest) region() (string, []string) {
	if in.Region != nil && in.Selection != nil {
		return "", []string{"Only one of region or region_selection can be specified"}
	}
	code := "us-east-1"
	switch {
	case in.Region != nil:
		code = *in.Region
	case in.Selection != nil && in.Selection.Type == "smartGroup":
		code = smartGroups[in.Selection.Code]
	case in.Selection != nil && in.Selection.Type == "specific":
		code = in.Selection.Code
	case in.Selection != nil:
		return "", []string{"region_selection.type must be one of the following values: specific, smartGroup"}
	}
	if !slices.Contains(regions, code) {
		return "", []string{fmt.Sprintf("region must be one of the following values: %s", strings.Join(regions, ", "))}
	}
	return code, nil
}
