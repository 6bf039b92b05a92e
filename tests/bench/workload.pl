# Hashes, sorting and regular expressions, as often as the argument says.
my %count;
for (1 .. $ARGV[0]) {
    open(my $file, '<', '/bench/text') or die;
    while (my $line = <$file>) {
        last if $. > 60000;
        $count{lc $1}++ while $line =~ /\b([A-Za-z_]{3,})\b/g;
    }
    close($file);
}
my @words = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@words), " $words[0] $count{$words[0]}\n";
