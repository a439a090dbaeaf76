"""Where rows and documents come from and go to; decides nothing."""
