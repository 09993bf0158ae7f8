// Code generated from the catalog; DO NOT EDIT.

package world

import (
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/steps/admin"
	"github.com/project-gimbal/fleet/internal/steps/approval"
	"github.com/project-gimbal/fleet/internal/steps/branding"
	"github.com/project-gimbal/fleet/internal/steps/database"
	"github.com/project-gimbal/fleet/internal/steps/decision"
	"github.com/project-gimbal/fleet/internal/steps/decommission"
	"github.com/project-gimbal/fleet/internal/steps/dns"
	"github.com/project-gimbal/fleet/internal/steps/doctor"
	"github.com/project-gimbal/fleet/internal/steps/download"
	"github.com/project-gimbal/fleet/internal/steps/email"
	"github.com/project-gimbal/fleet/internal/steps/export"
	"github.com/project-gimbal/fleet/internal/steps/freeze"
	"github.com/project-gimbal/fleet/internal/steps/frontend"
	"github.com/project-gimbal/fleet/internal/steps/health"
	"github.com/project-gimbal/fleet/internal/steps/incident"
	"github.com/project-gimbal/fleet/internal/steps/instance"
	"github.com/project-gimbal/fleet/internal/steps/intake"
	"github.com/project-gimbal/fleet/internal/steps/notice"
	"github.com/project-gimbal/fleet/internal/steps/operation"
	"github.com/project-gimbal/fleet/internal/steps/overdue"
	"github.com/project-gimbal/fleet/internal/steps/project"
	"github.com/project-gimbal/fleet/internal/steps/recheck"
	"github.com/project-gimbal/fleet/internal/steps/signup"
	"github.com/project-gimbal/fleet/internal/steps/sms"
	"github.com/project-gimbal/fleet/internal/steps/suspension"
	"github.com/project-gimbal/fleet/internal/steps/sweep"
	"github.com/project-gimbal/fleet/internal/steps/termination"
	"github.com/project-gimbal/fleet/internal/steps/vendors"
)

// handlers opens each function's handler, by the function's name.
var handlers = map[string]step.Opener{
	"signup":               step.Opens(signup.Open, signup.Receive),
	"signup-status":        step.Opens(signup.Open, signup.Status),
	"approve":              step.Opens(approval.Open, approval.Approve),
	"reject":               step.Opens(signup.Open, signup.Reject),
	"retry":                step.Opens(operation.Open, operation.Retry),
	"show-decision":        step.Opens(decision.Open, decision.Show),
	"decide":               step.Opens(approval.Open, approval.Decide),
	"show-download":        step.Opens(download.Open, download.Show),
	"give-download":        step.Opens(download.Open, download.Give),
	"list-signups":         step.Opens(signup.Open, signup.List),
	"list-instances":       step.Opens(instance.Open, instance.List),
	"show-instance":        step.Opens(instance.Open, instance.Show),
	"instance-logs":        step.Opens(instance.Open, instance.Logs),
	"cancel":               step.Opens(operation.Open, operation.Cancel),
	"suspend-instance":     step.Opens(suspension.Open, suspension.Suspend),
	"resume-instance":      step.Opens(suspension.Open, suspension.Resume),
	"export-instance":      step.Opens(export.Open, export.Begin),
	"list-exports":         step.Opens(export.Open, export.List),
	"show-export":          step.Opens(export.Open, export.Show),
	"import-instance":      step.Opens(intake.Open, intake.Begin),
	"resend":               step.Opens(notice.Open, notice.Resend),
	"list-incidents":       step.Opens(incident.Open, incident.List),
	"acknowledge":          step.Opens(incident.Open, incident.Acknowledge),
	"remove-orphan":        step.Opens(incident.Open, incident.RemoveOrphan),
	"adopt":                step.Opens(recheck.Open, recheck.Adopt),
	"freeze":               step.Opens(freeze.Open, freeze.Freeze),
	"thaw":                 step.Opens(freeze.Open, freeze.Thaw),
	"doctor":               step.Opens(doctor.Open, doctor.Examine),
	"plan-decommission":    step.Opens(decommission.Open, decommission.Plan),
	"begin-decommission":   step.Opens(decommission.Open, decommission.Begin),
	"cancel-decommission":  step.Opens(decommission.Open, decommission.Cancel),
	"approve-termination":  step.Opens(decommission.Open, decommission.Approve),
	"accept-export":        step.Opens(decommission.Open, decommission.AcceptExport),
	"show-certificate":     step.Opens(termination.Open, termination.Show),
	"hold-instance":        step.Opens(decommission.Open, decommission.Hold),
	"lift-hold":            step.Opens(decommission.Open, decommission.Lift),
	"show-suspended":       step.Opens(suspension.Open, suspension.Page),
	"admit":                step.Opens(operation.Open, operation.Admit),
	"reconcile":            step.Opens(operation.Open, operation.Reconcile),
	"page":                 step.Opens(incident.Open, incident.Page),
	"recheck":              step.Opens(recheck.Open, recheck.LookAgain),
	"due":                  step.Opens(decommission.Open, decommission.Due),
	"watch-vendors":        step.Opens(vendors.Open, vendors.Watch),
	"compare":              step.Opens(sweep.Open, sweep.Compare),
	"overdue":              step.Opens(overdue.Open, overdue.Tell),
	"checkup":              step.Opens(doctor.Open, doctor.Daily),
	"auto-approve":         step.Opens(approval.Open, approval.Auto),
	"deliver":              step.Opens(notice.Open, notice.Deliver),
	"expire-signups":       step.Opens(signup.Open, signup.Expire),
	"reserve-instance":     step.Opens(instance.Open, instance.Reserve),
	"create-project":       step.Opens(project.Open, project.Create),
	"await-project":        step.Opens(project.Open, project.Await),
	"migrate-database":     step.Opens(database.Open, database.Migrate),
	"create-frontend":      step.Opens(frontend.Open, frontend.Create),
	"configure-dns":        step.Opens(dns.Open, dns.Configure),
	"create-sms-account":   step.Opens(sms.Open, sms.Create),
	"create-email-account": step.Opens(email.Open, email.Create),
	"publish-mail-dns":     step.Opens(dns.Open, dns.PublishMail),
	"await-mail-domain":    step.Opens(email.Open, email.AwaitDomain),
	"configure-instance":   step.Opens(database.Open, database.Configure),
	"configure-branding":   step.Opens(branding.Open, branding.Configure),
	"create-admin":         step.Opens(admin.Open, admin.Create),
	"deploy-frontend":      step.Opens(frontend.Open, frontend.Deploy),
	"await-frontend":       step.Opens(frontend.Open, frontend.Await),
	"await-certificate":    step.Opens(health.Open, health.AwaitCertificate),
	"proxy-dns":            step.Opens(dns.Open, dns.Proxy),
	"protect-host":         step.Opens(dns.Open, dns.Protect),
	"verify-health":        step.Opens(health.Open, health.Verify),
	"activate-instance":    step.Opens(instance.Open, instance.Activate),
	"notify-customer":      step.Opens(notice.Open, notice.Customer),
	"point-host":           step.Opens(dns.Open, dns.Point),
	"pause-frontend":       step.Opens(frontend.Open, frontend.Pause),
	"suspend-sms":          step.Opens(sms.Open, sms.Suspend),
	"disable-email":        step.Opens(email.Open, email.Disable),
	"refuse-sign-in":       step.Opens(project.Open, project.RefuseSignIn),
	"mark-suspended":       step.Opens(suspension.Open, suspension.MarkSuspended),
	"announce-suspension":  step.Opens(notice.Open, notice.Suspended),
	"unpause-frontend":     step.Opens(frontend.Open, frontend.Unpause),
	"restore-host":         step.Opens(dns.Open, dns.Restore),
	"reactivate-sms":       step.Opens(sms.Open, sms.Reactivate),
	"enable-email":         step.Opens(email.Open, email.Enable),
	"allow-sign-in":        step.Opens(project.Open, project.AllowSignIn),
	"mark-resumed":         step.Opens(suspension.Open, suspension.MarkResumed),
	"announce-resumption":  step.Opens(notice.Open, notice.Resumed),
	"begin-undo":           step.Opens(operation.Open, operation.BeginUndo),
	"export-database":      step.Opens(export.Open, export.Database),
	"export-media":         step.Opens(export.Open, export.Media),
	"export-configuration": step.Opens(export.Open, export.Configuration),
	"seal-export":          step.Opens(export.Open, export.Seal),
	"verify-export":        step.Opens(export.Open, export.Verify),
	"import-database":      step.Opens(intake.Open, intake.Database),
	"import-media":         step.Opens(intake.Open, intake.Media),
	"settle-import":        step.Opens(intake.Open, intake.Settle),
	"give-notice":          step.Opens(decommission.Open, decommission.GiveNotice),
	"begin-grace":          step.Opens(decommission.Open, decommission.BeginGrace),
	"schedule-ends":        step.Opens(decommission.Open, decommission.ScheduleEnds),
	"begin-teardown":       step.Opens(operation.Open, operation.BeginTeardown),
	"remove-dns":           step.Opens(dns.Open, dns.Remove),
	"remove-frontend":      step.Opens(frontend.Open, frontend.Remove),
	"remove-email-account": step.Opens(email.Open, email.Remove),
	"remove-sms-account":   step.Opens(sms.Open, sms.Remove),
	"remove-project":       step.Opens(project.Open, project.Remove),
	"end-operation":        step.Opens(operation.Open, operation.End),
	"confirm-termination":  step.Opens(termination.Open, termination.Confirm),
	"mark-terminated":      step.Opens(termination.Open, termination.Mark),
	"archive-audit":        step.Opens(termination.Open, termination.ArchiveAudit),
	"issue-certificate":    step.Opens(termination.Open, termination.IssueCertificate),
	"destroy-key":          step.Opens(termination.Open, termination.DestroyKey),
}
