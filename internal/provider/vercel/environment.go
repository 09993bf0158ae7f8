package vercel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Variable is an environment variable of a project.
type Variable struct {
	Key   string
	Value provider.Secret
	// Sensitive variables can never be read back from Vercel.
	Sensitive bool
}

const (
	plain     = "plain"
	sensitive = "sensitive"
)

// variableDocument is an environment variable on the wire. Development is no target: sensitive variables refuse it.
type variableDocument struct {
	Key    string   `json:"key"`
	Value  string   `json:"value"`
	Type   string   `json:"type"`
	Target []string `json:"target"`
}

func variable(key, value, kind string) variableDocument {
	return variableDocument{Key: key, Value: value, Type: kind, Target: []string{"production", "preview"}}
}

// environmentAnswer is what creating variables answers: 201 even where some or all of them failed.
type environmentAnswer struct {
	Created some `json:"created"`
	Failed  []struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	} `json:"failed"`
}

// some counts the created variables, which Vercel gives as one object or as an array.
type some int

func (s *some) UnmarshalJSON(text []byte) error {
	var each []json.RawMessage
	if bytes.HasPrefix(text, []byte("[")) {
		err := json.Unmarshal(text, &each)
		*s = some(len(each))
		return err
	}
	var one struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	if *s = 0; one.Key != "" {
		*s = 1
	}
	return nil
}

func (*environmentAnswer) complete() bool { return true }

// SetEnvironment creates or overwrites variables of a project, for production and preview. They reach only deployments
// that are made afterwards. Repeating it does no harm; where Vercel takes some and refuses others, it is an error that
// says nothing about which took effect.
func (c *Client) SetEnvironment(ctx context.Context, project string, vars []Variable) error {
	if len(vars) == 0 {
		return nil
	}
	const operation = "CreateProjectEnv"
	documents := make([]variableDocument, len(vars))
	for i, v := range vars {
		kind := plain
		if v.Sensitive {
			kind = sensitive
		}
		documents[i] = variable(v.Key, v.Value.Reveal(), kind)
	}
	var answer environmentAnswer
	err := c.do(ctx, request{
		operation: operation, method: http.MethodPost, path: "/v10/projects/" + url.PathEscape(project) + "/env",
		query: url.Values{"upsert": {"true"}}, body: documents,
	}, &answer)
	if err != nil {
		return err
	}
	if len(answer.Failed) > 0 {
		f := &fault.Error{
			Code: fault.Rejected, Vendor: vendor, Operation: operation, Status: http.StatusCreated,
			VendorCode: provider.Code(answer.Failed[0].Error.Code),
			Text:       fmt.Sprintf("%d of %d variables refused", len(answer.Failed), len(vars)),
		}
		if f.VendorCode == "ENV_CONFLICT" {
			f.Code = fault.Conflict
		}
		return f
	}
	if int(answer.Created) != len(vars) {
		return unusable(operation, http.StatusCreated, "the answer leaves variables out")
	}
	return nil
}

type variablesAnswer struct {
	Variables []variableDocument
}

// UnmarshalJSON reads {"envs":[…]}, or the single variable that Vercel's document also allows.
func (v *variablesAnswer) UnmarshalJSON(text []byte) error {
	var document struct {
		Variables []listedVariable `json:"envs"`
		listedVariable
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return err
	}
	if document.Variables == nil && document.Key == "" {
		return fmt.Errorf("neither a list of variables nor a variable")
	}
	if document.Key != "" {
		document.Variables = append(document.Variables, document.listedVariable)
	}
	for _, one := range document.Variables {
		v.Variables = append(v.Variables, variableDocument{Key: one.Key, Value: one.Value, Type: one.Type})
	}
	return nil
}

// listedVariable leaves the targets out: Vercel lists them as an array or as one string.
type listedVariable struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Type  string `json:"type"`
}

func (*variablesAnswer) complete() bool { return true }

// mark reads a project's ownership mark. The list of variables has no pages.
func (c *Client) mark(ctx context.Context, project string) (string, error) {
	var answer variablesAnswer
	err := c.do(ctx, request{
		operation: "FilterProjectEnvs", method: http.MethodGet, path: "/v10/projects/" + url.PathEscape(project) + "/env",
	}, &answer)
	if err != nil {
		return "", err
	}
	for _, v := range answer.Variables {
		if v.Key == markVariable && v.Type == plain {
			return v.Value, nil
		}
	}
	return "", nil
}
