//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/project-gimbal/fleet/internal/local/world"
)

// functions is the folder where make puts the functions, built for this machine's processor; seen from the module's root.
const functions = "build/host-functions"

// synthesise runs the CDK app for the simulated vendors, as a person would for the real ones, and gives the assembly's folder.
// Nothing of the context tells the template of the emulator: it is the one for AWS.
func synthesise(ctx context.Context, dir string) (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	vendors := world.Settings()
	quotas, err := json.Marshal(map[string]int{"sendgrid-subusers": 100, "twilio-subaccounts": 100, "supabase-projects": 100,
		"vercel-projects": 100, "dns-records": 1000, "rate-limit-rules": 1000})
	if err != nil {
		return "", err
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	command := exec.CommandContext(ctx, "go", "run", "./infra",
		"-c", "stage="+stage, "-c", "architecture="+architecture, "-c", "functions="+functions,
		"-c", "domain="+vendors.Domain, "-c", "zone="+vendors.CloudflareZone, "-c", "suspendedHost="+vendors.SuspendedHost, "-c", "organisation="+vendors.SupabaseOrganization,
		"-c", "team="+vendors.VercelTeam, "-c", "twilioAccount="+vendors.TwilioAccount, "-c", "sendgridIps="+strings.Join(vendors.SendGridIPs, ","),
		"-c", "mailFrom="+vendors.MailFrom, "-c", "operatorMail="+vendors.OperatorMail, "-c", "pagers="+vendors.OperatorMail,
		"-c", "quotas="+string(quotas), "-c", "slots=16", "-c", "release=frontend/1.0.0")
	assembly := filepath.Join(dir, "assembly")
	command.Dir, command.Env = root, append(os.Environ(), "CDK_OUTDIR="+assembly)
	if text, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go run ./infra: %w\n%s", err, text)
	}
	return assembly, nil
}
