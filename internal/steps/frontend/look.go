package frontend

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/step"
)

// lookVariables are what the page must know of the customer's look before anybody has signed in: the colours, and where the
// document is that names the images, since those may still be on their way.
func lookVariables(ctx context.Context, run *step.Run) (map[string]string, error) {
	look, branding := map[string]string{}, run.Signup.Branding
	for name, colour := range map[string]string{"VITE_PRIMARY_COLOR": branding.PrimaryColor, "VITE_SECONDARY_COLOR": branding.SecondaryColor} {
		if colour != "" {
			look[name] = colour
		}
	}
	if !branding.HasImages() {
		return look, nil
	}
	backend, err := run.Ledger(ctx, fleet.SupabaseProject, fleet.ResourceName(run.Instance.ID))
	if err != nil {
		return nil, err
	}
	look["VITE_THEME_URL"] = run.Provider.Endpoints.PublicFile(backend.ID, fleet.BrandingBucket, fleet.BrandingTheme)
	return look, nil
}
