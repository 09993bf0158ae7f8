package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// refusal is an answer of the API that is no success, with what to do.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// refused reads an answer that is no success: a problem document (RFC 9457), or what API Gateway itself says.
func (c *call) refused(to target, status int, answer []byte) error {
	var p struct {
		Title, Detail, Message string
		Fields                 map[string]string
	}
	known := json.Unmarshal(answer, &p) == nil
	if known && c.flags.JSON {
		_ = c.document(answer) // who asked for documents gets this one too
	}
	text := fmt.Sprintf("the API answered %d %s", status, http.StatusText(status))
	for _, said := range []string{p.Detail, p.Message} {
		if said != "" {
			text += ": " + said
		}
	}
	for _, field := range slices.Sorted(maps.Keys(p.Fields)) {
		text += fmt.Sprintf("\n  %s: %s", field, p.Fields[field])
	}
	if next := whatNext(to, status); next != "" {
		text += "\n" + next
	}
	return refusal{status, text}
}

// whatNext is what to do about a refusal whose text can't say it.
func whatNext(to target, status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return fmt.Sprintf("It did not take %s.", to.by)
	case status == http.StatusForbidden:
		return fmt.Sprintf("It does not let %s in: they need execute-api:Invoke on this API. \"aws sts get-caller-identity\" says who that is.", to.by)
	case status >= 300 && status < 400:
		return fmt.Sprintf("%s is not the API's own address.", to.base)
	case status == http.StatusNotFound:
		return "\"fleetctl list\" and \"fleetctl show\" tell what there is."
	case status == http.StatusTooManyRequests:
		return "Too many requests at once: try again in a moment."
	case status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return "Look whether it was done, and try again in a moment."
	case status >= 500:
		return "The function's log says why: find it in CloudWatch, or in fleet.log beside \"serve\"."
	}
	return ""
}
