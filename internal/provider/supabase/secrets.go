package supabase

import (
	"context"
	"net/http"
	"strings"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

const opCreateSecrets = "CreateSecrets"

// EdgeSecret is an environment variable of a project's Edge Functions. The vendor calls all of them secrets.
type EdgeSecret struct {
	Name  string // 1 to 256 characters, and not the vendor's own SUPABASE_…
	Value provider.Secret
}

// SetEdgeSecrets creates or overwrites variables of a project's Edge Functions and leaves others. Needs an open attempt; may
// be repeated. That it overwrites is how the vendor's command line uses it; the answer is empty.
// https://supabase.com/docs/reference/api/v1-bulk-create-secrets
func (c *Client) SetEdgeSecrets(ctx context.Context, ref string, secrets []EdgeSecret) error {
	type document struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	var in []document
	for _, s := range secrets {
		if s.Name == "" || len(s.Name) > 256 || strings.HasPrefix(s.Name, "SUPABASE_") {
			return unsent(opCreateSecrets, fault.Internal, "not a name for a variable", nil)
		}
		in = append(in, document{s.Name, s.Value.Reveal()})
	}
	if len(in) == 0 {
		return nil
	}
	return c.onProject(ctx, ref, "/secrets", request{operation: opCreateSecrets, method: http.MethodPost, in: in})
}
