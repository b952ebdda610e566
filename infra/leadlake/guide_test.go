package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestGuideSaysHowAListIsUploaded(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"guide", "yandex"}, []string{"# Yandex Audience: how to upload a list\n", "phone,email,external_id\n79995551111,"}},
		{[]string{"guide", "-lang", "ru", "VK"}, []string{"# VK Реклама: как загрузить список\n", "## Где нажать"}},
		{[]string{"guide", "google", "-lang", "ru"}, []string{"# Google Ads, списки клиентов"}},
		{[]string{"guide"}, []string{"# Where and how to upload lists\n", "(mindbox.md)"}},
	} {
		o := callProgram(t, "", c.args...)
		if o.status != exitDone {
			t.Errorf("%v: status %d, %s", c.args, o.status, o.stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(o.stdout, want) {
				t.Errorf("%v does not say %q:\n%.300s", c.args, want, o.stdout)
			}
		}
	}
	o := callProgram(t, "", "guide", "-schema")
	var schema struct {
		Title string `json:"title"`
	}
	if err := json.Unmarshal([]byte(o.stdout), &schema); err != nil || o.status != exitDone || schema.Title == "" {
		t.Errorf("-schema: status %d, %v", o.status, err)
	}
	for _, args := range [][]string{{"guide", "radio"}, {"guide", "-lang", "de"}, {"guide", "vk", "yandex"}, {"guide", "-schema", "vk"}} {
		if o := callProgram(t, "", args...); o.status != exitUsage || o.stdout != "" {
			t.Errorf("%v: status %d, printed %.60q, want wrong use", args, o.status, o.stdout)
		}
	}
}
