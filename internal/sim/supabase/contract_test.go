package supabase_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	client "github.com/project-gimbal/fleet/internal/provider/supabase"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
)

// The real databases fit behind the simulator.
var _ supabase.Databases = (*postgres.Server)(nil)

// TestContract runs every call of the client through the vendor's OpenAPI documents, from creation to removal.
func TestContract(t *testing.T) {
	endpoints := provider.Endpoints{Supabase: "https://api.supabase.test", SupabaseProject: "https://{ref}.supabase.test"}
	spec := contract.OpenAll(t, map[string]string{
		endpoints.Supabase: "supabase", endpoints.SupabaseProject + "/auth/v1": "supabase-auth",
	})
	synctest.Test(t, func(t *testing.T) {
		c := clock.System()
		s := supabase.New(sim.Options{Clock: c}, supabase.Settings{Token: "sbp_test", Organization: "gimbal", Allowance: 1})
		link := &sim.Link{Clock: c, Script: sim.NewScript()}
		for _, base := range []string{"https://api.supabase.test", "https://*.supabase.test"} {
			if err := link.Add(base, s, nil); err != nil {
				t.Fatal(err)
			}
		}
		vendor := client.New(provider.Config{
			Endpoints: endpoints, Clock: c, Transport: spec.Check(link), Settings: provider.Settings{SupabaseOrganization: "gimbal"},
			Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("sbp_test"), nil },
		})
		fromCreationToRemoval(t, provider.WithAttempt(t.Context()), c, vendor)
	})
	want := []string{
		"supabase-auth.adminCreateUser", "supabase-auth.adminGenerateLink", "supabase-auth.adminGetUser", "supabase-auth.authHealth",
		"supabase.v1-bulk-create-secrets", "supabase.v1-create-a-project", "supabase.v1-delete-a-project", "supabase.v1-get-all-projects-for-organization",
		"supabase.v1-get-an-organization",
		"supabase.v1-get-auth-service-config", "supabase.v1-get-pooler-config", "supabase.v1-get-project",
		"supabase.v1-get-project-api-keys", "supabase.v1-get-project-legacy-api-keys", "supabase.v1-get-services-health", "supabase.v1-update-auth-service-config",
		"supabase.v1-update-database-password", "supabase.v1-update-project-legacy-api-keys",
	}
	if got := spec.Seen(); !slices.Equal(got, want) {
		t.Errorf("checked %q, want %q", got, want)
	}
}

func fromCreationToRemoval(t *testing.T, ctx context.Context, c clock.Clock, vendor *client.Client) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	wants := func(err error, code fault.Code) {
		t.Helper()
		if !fault.Is(err, code) {
			t.Errorf("%v, want %s", err, code)
		}
	}
	in := client.NewProject{Name: "one", Region: "us-east-1", DatabasePassword: provider.NewSecret("database-password")}
	p, err := vendor.CreateProject(ctx, in)
	must(err)
	_, err = vendor.CreateProject(ctx, in)
	wants(err, fault.QuotaExceeded)
	reads := func() {
		o, err := vendor.Organization(ctx)
		must(err)
		n, err := vendor.CountProjects(ctx)
		must(err)
		if o.Plan != "pro" || n != 1 {
			t.Errorf("plan %q, %d projects; want pro, 1", o.Plan, n)
		}
		_, err = vendor.FindProjects(ctx, "one")
		must(err)
		_, err = vendor.Owned(ctx, "")
		must(err)
		_, err = vendor.Project(ctx, p.Ref)
		must(err)
		_, err = vendor.Health(ctx, p.Ref)
		must(err)
		_, err = vendor.AuthConfig(ctx, p.Ref)
		must(err)
	}
	reads()
	wants(vendor.DeleteProject(ctx, p.Ref), fault.NotReady)
	must(c.Sleep(ctx, 10*time.Minute))
	reads()

	keys, err := vendor.APIKeys(ctx, p.Ref)
	must(err)
	_, err = vendor.Pooler(ctx, p.Ref)
	must(err)
	must(vendor.SetDatabasePassword(ctx, p.Ref, provider.NewSecret("another-password")))
	yes, no := true, false
	must(vendor.UpdateAuth(ctx, p.Ref, client.AuthSettings{
		SiteURL: "https://one.gimbal.test", RedirectURLs: []string{"https://one.gimbal.test/**"}, DisableSignup: &yes, PasswordMinLength: 12,
		AnonymousUsers: &no, PhoneLogin: &no, EmailLogin: &yes, Autoconfirm: &no, SecureEmailChange: &yes, TokenExpiry: 3600,
		RotateRefreshTokens: &yes, LinkExpiry: 86400,
		Rates: client.Rates{Emails: 100, EmailFrequency: 60, OneTimeCodes: 30, Verifications: 30, TokenRefreshes: 300},
		SMTP:  &client.SMTP{Host: "smtp.test", Port: 587, User: "apikey", Password: provider.NewSecret("x"), SenderName: "One", SenderMail: "no-reply@one.test"},
	}))
	must(vendor.SetEdgeSecrets(ctx, p.Ref, []client.EdgeSecret{{Name: "CORS_ALLOWED_ORIGIN", Value: provider.NewSecret("https://one.gimbal.test")}}))
	user := client.NewUser{ID: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", Email: "ada@example.com",
		UserMetadata: map[string]any{"name": "Ada"}, AppMetadata: map[string]any{"role": "admin"}}
	_, err = vendor.CreateUser(ctx, p.Ref, keys.Service, user)
	must(err)
	_, err = vendor.CreateUser(ctx, p.Ref, keys.Service, user)
	wants(err, fault.Conflict)
	for _, id := range []string{user.ID, "00000000-0000-4000-a000-000000000001"} {
		_, _, err = vendor.User(ctx, p.Ref, keys.Service, id)
		must(err)
	}
	for _, kind := range []string{"invite", "recovery"} {
		_, err = vendor.GenerateLink(ctx, p.Ref, keys.Service, kind, user.Email, "https://one.gimbal.test")
		must(err)
	}
	for _, enabled := range []bool{false, false, true} {
		must(vendor.SetLegacyKeys(ctx, p.Ref, enabled))
		is, err := vendor.LegacyKeysEnabled(ctx, p.Ref)
		must(err)
		if is != enabled {
			t.Errorf("legacy keys are enabled: %v", is)
		}
	}
	must(vendor.AuthHealth(ctx, p.Ref, keys.Anonymous))
	must(vendor.RestHealth(ctx, p.Ref, keys.Anonymous))

	must(vendor.DeleteProject(ctx, p.Ref))
	reads()
	must(c.Sleep(ctx, time.Minute))
	must(vendor.DeleteProject(ctx, p.Ref))
}
