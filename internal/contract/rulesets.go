package contract

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// repairRuleset: what Cloudflare alone sets is marked as read-only inside an allOf, where it has no effect; and the base of
// every answer, which says nothing of its result, doesn't let it be null, as that of a failure is.
func repairRuleset(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	for name, p := range s.Properties {
		if p.Value == nil {
			continue
		}
		if slices.ContainsFunc(p.Value.AllOf, func(part *openapi3.SchemaRef) bool { return part.Value != nil && part.Value.ReadOnly }) {
			p.Value.ReadOnly = true
		}
		if name == "result" && p.Value.Type == nil && len(p.Value.AllOf) == 0 {
			p.Value.Nullable = true
		}
		repairRuleset(p, seen)
	}
	for _, p := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		repairRuleset(p, seen)
	}
	repairRuleset(s.Items, seen)
}
