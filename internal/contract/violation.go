package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// flat splits what the library found into violations of one line each, sorted.
func flat(err error) []string {
	var texts []string
	var walk func(prefix string, err error)
	walk = func(prefix string, err error) {
		switch e := err.(type) {
		case openapi3.MultiError:
			for _, part := range e {
				walk(prefix, part)
			}
		case *openapi3filter.RequestError:
			where := "body: "
			if e.Parameter != nil {
				where = e.Parameter.In + " parameter " + e.Parameter.Name + ": "
			}
			if e.Err == nil {
				texts = append(texts, prefix+where+e.Reason)
				return
			}
			walk(prefix+where, e.Err)
		case *openapi3filter.ResponseError:
			if e.Err == nil {
				texts = append(texts, prefix+e.Reason)
				return
			}
			walk(prefix+e.Reason+": ", e.Err)
		case *openapi3filter.SecurityRequirementsError:
			texts = append(texts, prefix+"no credentials as the document asks for")
		case *openapi3filter.ParseError:
			texts = append(texts, prefix+"does not parse")
		default:
			texts = append(texts, prefix+strings.Join(strings.Fields(err.Error()), " "))
		}
	}
	walk("", err)
	slices.Sort(texts)
	return slices.Compact(texts)
}

// describe says what breaks a schema, and where: "/name: maxLength: …". The library's own texts show the value.
func describe(err *openapi3.SchemaError) string {
	parts := strings.Join(nested(err.Origin), "; ")
	if parts != "" && strings.Contains(err.Reason, "jsonschema validation failed") {
		return parts // what the validator of OpenAPI 3.1 documents wraps everything in, values included
	}
	text := fmt.Sprintf("/%s: %s: %s", strings.Join(err.JSONPointer(), "/"), err.SchemaField, reason(err))
	if parts != "" {
		text += " (" + parts + ")"
	}
	return text
}

// conflict is the reason for a value that several schemas of a oneOf match.
const conflict = "matches more than one"

func reason(err *openapi3.SchemaError) string {
	schema := err.Schema
	if schema == nil { // the validator of OpenAPI 3.1 documents doesn't always know it
		schema = &openapi3.Schema{}
	}
	switch err.SchemaField {
	case "pattern":
		return "doesn't match " + schema.Pattern
	case "format":
		return "is no " + schema.Format
	case "enum":
		return fmt.Sprintf("is none of %v", schema.Enum)
	case "const":
		return "is another"
	case "oneOf":
		// That validator says so in its text only.
		if errors.Is(err.Origin, openapi3.ErrOneOfConflict) || strings.Contains(err.Reason, "subschemas") {
			return conflict
		}
		return "matches none"
	case "allOf", "anyOf":
		return "doesn't match"
	}
	return err.Reason
}

// nested describes the violations inside err, at most a few: a oneOf has as many as there are choices.
func nested(err error) []string {
	const most = 6
	var texts []string
	var walk func(err error)
	walk = func(err error) {
		if err == nil || len(texts) >= most {
			return
		}
		switch e := err.(type) {
		case *openapi3.SchemaError:
			texts = append(texts, describe(e))
		case openapi3.MultiError:
			for _, part := range e {
				walk(part)
			}
		case interface{ Unwrap() []error }:
			for _, part := range e.Unwrap() {
				walk(part)
			}
		default:
			walk(errors.Unwrap(err))
		}
	}
	walk(err)
	return texts
}
