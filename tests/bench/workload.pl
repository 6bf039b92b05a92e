# Hashes, sorting and regular expressions.
open(my $file, '<', '/bench/text') or die;
my %count;
while (my $line = <$file>) {
    last if $. > 60000;
    $count{lc $1}++ while $line =~ /\b([A-Za-z_]{3,})\b/g;
}
my @words = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@words), " $words[0] $count{$words[0]}\n";
