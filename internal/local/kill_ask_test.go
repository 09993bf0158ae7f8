//go:build kill

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/view"
)

func (p *prey) get(ctx context.Context, path string, into any) error {
	return p.ask(ctx, http.MethodGet, path, into)
}

// ask asks the operators' API.
func (p *prey) ask(ctx context.Context, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, p.client.base+path, http.NoBody)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", p.client.operator()["Authorization"])
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, &text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text.Bytes(), into)
}

// wantHealthy asks the public edge for every live instance's health, which asks its database.
func (p *prey) wantHealthy(instances []view.Instance) {
	p.t.Helper()
	public := regexp.MustCompile(`instances +http://<slug>(\S+)`).FindStringSubmatch(p.said.String())[1]
	_, port, _ := strings.Cut(public, "localhost:")
	for _, i := range instances {
		if i.State != fleet.Active {
			continue
		}
		q, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/api/health", nil)
		if err != nil {
			p.t.Fatal(err)
		}
		q.Host = i.Slug + public
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			p.t.Fatal(err)
		}
		var h healthReport
		err = json.NewDecoder(answer.Body).Decode(&h)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || h.InstanceID != i.ID {
			p.t.Errorf("%s is ACTIVE, and its health is %d %+v: %v", i.Slug, answer.StatusCode, h, err)
		}
	}
}
