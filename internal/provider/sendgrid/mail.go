package sendgrid

import (
	"context"
	"net/http"

	"github.com/sendgrid/rest"
	"github.com/sendgrid/sendgrid-go/helpers/mail"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
)

// Mail is a message of Fleet's own to one recipient. At least one of Text and HTML is needed.
type Mail struct {
	To, ToName     string
	From, FromName string
	Subject        string
	Text, HTML     string
	// MessageID is Fleet's id of the message. SendGrid reports it with every event as the custom argument
	// "message_id"; it does not keep a message from being sent twice.
	MessageID string
}

const operationSend = "SendMail"

// SendMail hands a message to SendGrid by Fleet's own key and gives SendGrid's id of it. SendGrid has no idempotency
// keys: after a fault that doesn't prove that nothing happened, the message may have been sent.
//
// Clicks and openings are not tracked: tracking would rewrite the message's links, which let people in, to lead over
// the vendor.
func (c *Client) SendMail(ctx context.Context, m Mail) (vendorID string, err error) {
	if m.To == "" || m.From == "" || m.Subject == "" || m.Text+m.HTML == "" {
		return "", unsent(operationSend, fault.Internal, "the message is incomplete", nil)
	}
	answer, err := c.call(ctx, request{
		operation: operationSend,
		method:    rest.Post,
		path:      "/v3/mail/send",
		body:      message(m),
		success:   []int{http.StatusAccepted},
	})
	if err != nil {
		return "", err
	}
	if vendorID = http.Header(answer.Headers).Get("X-Message-Id"); vendorID == "" {
		return "", unusable(operationSend, answer.StatusCode)
	}
	return vendorID, nil
}

// CheckMail has SendGrid check a message and send none, in its sandbox mode: it tells whether messages are taken.
func (c *Client) CheckMail(ctx context.Context, from, to string) error {
	m := message(Mail{From: from, To: to, Subject: "Are messages taken?", Text: "This is not sent."})
	m.SetMailSettings(mail.NewMailSettings().SetSandboxMode(mail.NewSetting(true)))
	_, err := c.call(provider.ReadOnly(ctx), request{operation: operationSend, method: rest.Post, path: "/v3/mail/send", body: m,
		success: []int{http.StatusOK}})
	return err
}

// message is m in SendGrid's words.
func message(m Mail) *mail.SGMailV3 {
	out := mail.NewV3Mail()
	out.SetFrom(mail.NewEmail(m.FromName, m.From))
	out.Subject = m.Subject
	if m.Text != "" { // SendGrid wants the plain text first
		out.AddContent(mail.NewContent("text/plain", m.Text))
	}
	if m.HTML != "" {
		out.AddContent(mail.NewContent("text/html", m.HTML))
	}
	to := mail.NewPersonalization()
	to.AddTos(mail.NewEmail(m.ToName, m.To))
	if m.MessageID != "" {
		to.SetCustomArg("message_id", m.MessageID)
	}
	out.AddPersonalizations(to)
	out.SetTrackingSettings(mail.NewTrackingSettings().
		SetClickTracking(mail.NewClickTrackingSetting().SetEnable(false).SetEnableText(false)).
		SetOpenTracking(mail.NewOpenTrackingSetting().SetEnable(false)))
	return out
}
