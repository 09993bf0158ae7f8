package twilio

// ChangeToken makes another auth token the parent account's; the old one is refused from now on.
func (s *Sim) ChangeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(s.parent).Token = token
}
