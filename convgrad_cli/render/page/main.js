// The start: everything is declared above; now the page comes to life.

page.start();
startControls(page);
startEditing(page);
warnOfRounding(page);
