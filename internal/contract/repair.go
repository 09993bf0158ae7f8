package contract

import (
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// repair corrects what is known to be wrong in a vendor's document, so that the rest of it can be held to.
func repair(name string, spec *openapi3.T) {
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			switch {
			case name == "cloudflare":
				repairCloudflare(op)
			case name == "sendgrid":
				fieldlessErrors(op)
			case name == "supabase-auth" && op.OperationID == "adminGenerateLink":
				allowInvite(op)
			}
			seen := map[*openapi3.Schema]bool{}
			each(op, func(ref *openapi3.SchemaRef) { nullInEnum(ref, seen) })
			if name == "cloudflare" && slices.Contains(op.Tags, "Zone Rulesets") {
				seen := map[*openapi3.Schema]bool{}
				each(op, func(ref *openapi3.SchemaRef) { repairRuleset(ref, seen) })
			}
		}
	}
}

// each calls do for the schemas of an operation's bodies.
func each(op *openapi3.Operation, do func(*openapi3.SchemaRef)) {
	media := func(content openapi3.Content) {
		for _, m := range content {
			do(m.Schema)
		}
	}
	if op.RequestBody != nil && op.RequestBody.Value != nil {
		media(op.RequestBody.Value.Content)
	}
	for _, r := range op.Responses.Map() {
		if r.Value != nil {
			media(r.Value.Content)
		}
	}
}

// nullInEnum lets null pass where an enumeration names it: some documents forget "nullable", which OpenAPI 3.0 wants
// as well.
func nullInEnum(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if slices.Contains(s.Enum, any(nil)) {
		s.Nullable = true
	}
	for _, p := range s.Properties {
		nullInEnum(p, seen)
	}
	for _, p := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		nullInEnum(p, seen)
	}
	nullInEnum(s.Items, seen)
	nullInEnum(s.AdditionalProperties.Schema, seen)
}

// fieldlessErrors: an error that concerns no field has "field": null, which some of the merged documents leave out.
func fieldlessErrors(op *openapi3.Operation) {
	each(op, func(ref *openapi3.SchemaRef) {
		for _, name := range []string{"errors", "field"} {
			if ref == nil || ref.Value == nil {
				return
			}
			if ref = ref.Value.Properties[name]; ref != nil && ref.Value != nil && name == "errors" {
				ref = ref.Value.Items
			}
		}
		if ref == nil || ref.Value == nil || ref.Value.Type == nil || ref.Value.Type.Includes("null") {
			return
		}
		types := append(slices.Clone(*ref.Value.Type), "null")
		ref.Value.Type = &types
	})
}

// allowInvite: the Auth server makes links of the type invite too, as its source shows.
func allowInvite(op *openapi3.Operation) {
	each(op, func(ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || ref.Value.Properties["type"] == nil {
			return
		}
		if s := ref.Value.Properties["type"].Value; s != nil && len(s.Enum) > 0 {
			s.Enum = append(s.Enum, "invite")
		}
	})
}

// repairCloudflare: operations name only the account's e-mail and key, though API tokens are accepted and recommended
// everywhere; the schema of a failure demands success and failure at once; a record to be made needs none of what
// Cloudflare adds to it.
func repairCloudflare(op *openapi3.Operation) {
	op.Security = nil // the document's own list then holds, which has the token
	for status, r := range op.Responses.Map() {
		if !strings.HasPrefix(status, "4") || r.Value == nil {
			continue
		}
		for _, m := range r.Value.Content {
			if m.Schema == nil || m.Schema.Value == nil {
				continue
			}
			i := slices.IndexFunc(m.Schema.Value.AllOf, func(part *openapi3.SchemaRef) bool {
				return strings.HasSuffix(part.Ref, "api-response-common-failure")
			})
			if i >= 0 {
				m.Schema = m.Schema.Value.AllOf[i]
			}
		}
	}
	if op.RequestBody == nil || op.RequestBody.Value == nil {
		return
	}
	added := []string{"id", "proxiable", "created_on", "modified_on"}
	for _, m := range op.RequestBody.Value.Content {
		if m.Schema == nil || m.Schema.Value == nil {
			continue
		}
		request := *m.Schema.Value
		request.Required = slices.DeleteFunc(slices.Clone(request.Required), func(name string) bool {
			return slices.Contains(added, name)
		})
		m.Schema = &openapi3.SchemaRef{Value: &request}
	}
}
